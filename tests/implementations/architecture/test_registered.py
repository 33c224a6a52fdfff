import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from implementations.architecture import registered, weights
from implementations.errors import BadInput
from implementations.oracle import runtime

SHAPES = [(28, 28, 1), (32, 32, 3), (8, 8, 1)]
SMALL = [name for name in registered.names() if name != "squeezenet-1.0"]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_architecture_at_every_shape(name, shape):
    if name == "cnn-pool-dropout" and shape == (8, 8, 1):
        # Two valid convolutions and two pools leave nothing of 8 x 8.
        with pytest.raises(BadInput, match=r"'pool2'.*does not fit"):
            registered.get(name, shape, 6)
        return
    architecture = registered.get(name, shape, 6)
    assert architecture.shapes[architecture.output] == (6,)
    assert architecture.name == name


def assert_every_cut_gives_the_logits(architecture, shape, seed):
    network = runtime.build(architecture, weights.randomise(architecture, seed))
    images = np.random.default_rng(seed).random((2, *shape))
    logits = network(images)
    assert np.ptp(logits) > 0
    for layer in ("input", *(node.name for node in architecture.nodes)):
        activations, rest = network.features(layer, images)
        assert activations.shape[-1] == architecture.shapes[layer][-1]
        np.testing.assert_array_equal(network.head(layer, activations, rest), logits)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(SMALL), st.integers(10, 15), st.integers(1, 3), st.integers(0, 2**16))
def test_the_head_after_the_features_is_the_network(name, height, channels, seed):
    shape = (height, 14, channels)
    assert_every_cut_gives_the_logits(registered.get(name, shape, 4), shape, seed)


def test_the_head_after_the_features_is_squeezenet():
    # All convolutional, so an image smaller than its own goes through it too.
    assert_every_cut_gives_the_logits(registered.get("squeezenet-1.0"), (35, 35, 3), 0)


def test_squeezenet_is_what_it_is_whatever_the_data_set():
    architecture = registered.get("squeezenet-1.0", (28, 28, 1), 10)
    assert (architecture.input_shape, architecture.classes) == ((227, 227, 3), 1000)


def test_unknown_names():
    with pytest.raises(BadInput, match=r"did you mean cnn-gap.*\.json"):
        registered.get("cnn-gapp")
