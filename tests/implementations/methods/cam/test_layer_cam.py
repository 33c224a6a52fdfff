"""LayerCAM: never less than HiResCAM, and its two forms where they are one and where not."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-gap", (8, 8, 1), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((3, 8, 8, 1))
TARGETS = np.array([3, 0, 2], np.int32)


def explain(layer: str, **options: str) -> dict[str, np.ndarray]:
    return explained("layer_cam", NETWORK, IMAGES, TARGETS, layer=layer, **options)


@pytest.mark.parametrize("layer", ["relu1", "relu2", "pool1", "relu4"])
def test_it_is_hires_cam_without_what_speaks_against_the_class(layer: str) -> None:
    found = explain(layer)
    plain = explained("hires_cam", NETWORK, IMAGES, TARGETS, layer=layer)
    against = np.minimum(plain["gradients"], 0) * plain["activations"]
    np.testing.assert_allclose(
        found["heatmap"], plain["signed"] - against.sum(axis=-1), rtol=1e-11, atol=1e-14
    )
    assert (found["heatmap"] >= plain["signed"]).all()
    assert (against < 0).any()


@pytest.mark.parametrize("layer", ["relu1", "pool1", "relu4", "conv2", "conv4"])
def test_both_forms_are_one_behind_a_relu_and_before_one(layer: str) -> None:
    """`conv2` here is the convolution itself, which has negative values."""
    one, other = explain(layer), explain(layer, positive="product")
    np.testing.assert_allclose(one["signed"], other["signed"], rtol=1e-12, atol=1e-16)


def test_they_differ_where_a_negative_value_counts() -> None:
    """From (-1, 2) by the weights (3, 5) with no ReLU: -3 + 10 and 0 + 10."""
    from implementations.architecture.graph import parse

    nodes = [
        {"name": "conv1", "kind": "conv", "filters": 2, "kernel": 1, "inputs": "input"},
        {"name": "flatten1", "kind": "flatten", "inputs": "conv1"},
        {"name": "dense1", "kind": "dense", "units": 2, "inputs": "flatten1"},
    ]
    form = {"name": "by-hand", "input_shape": [1, 1, 1], "classes": 2, "nodes": nodes}
    weights = {
        "conv1.kernel": np.array([-1, 2], np.float32).reshape(1, 1, 1, 2),
        "conv1.bias": np.zeros(2, np.float32),
        "dense1.kernel": np.array([[3, 0], [5, 0]], np.float32),
        "dense1.bias": np.zeros(2, np.float32),
    }
    network = runtime.build(parse(form, "by-hand"), weights)
    image, target = np.ones((1, 1, 1, 1)), np.array([0])
    maps = [
        explained("layer_cam", network, image, target, layer="conv1", positive=form)["signed"]
        for form in ("gradient", "product")
    ]
    np.testing.assert_array_equal(maps, np.reshape([7, 10], (2, 1, 1, 1)))


def test_a_head_of_zeros_gives_empty_maps() -> None:
    tensors = NETWORK.tensors
    zero = {name: tensors[name] * (not name.startswith("dense")) for name in tensors}
    network = runtime.build(ARCHITECTURE, zero)
    assert not explained("layer_cam", network, IMAGES, TARGETS)["signed"].any()
