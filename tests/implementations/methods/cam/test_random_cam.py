"""Random channel weights: of the layer alone, and of the seed."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

METHOD = methods.load("random_cam")
ARCHITECTURE = get("cnn-gap", (8, 8, 1), 4)
WEIGHTS = randomise(ARCHITECTURE, 1)
NETWORK = runtime.build(ARCHITECTURE, WEIGHTS)
IMAGES = np.random.default_rng(2).random((3, 8, 8, 1))
TARGETS = np.array([3, 0, 2], np.int32)


def test_it_is_the_channels_with_the_weights_drawn() -> None:
    drawn = METHOD.draws(METHOD.resolve({}), ARCHITECTURE, "pool1", 7)["weights"]
    generator = np.random.Generator(np.random.PCG64(7))
    np.testing.assert_array_equal(drawn, generator.uniform(-1, 1, 64))
    assert drawn.min() < -0.9 < 0.9 < drawn.max()
    found = explained("random_cam", NETWORK, IMAGES, TARGETS, layer="pool1", seed=7)
    expected = np.einsum("nhwc,c->nhw", NETWORK.features("pool1", IMAGES)[0], drawn)
    np.testing.assert_allclose(found["signed"], expected, rtol=1e-10, atol=1e-14)
    np.testing.assert_array_equal(found["heatmap"], np.maximum(found["signed"], 0))
    assert (found["signed"] < 0).any()


@pytest.mark.parametrize("layer", ["relu1", "relu4"])
def test_neither_the_target_nor_the_head_plays_a_part(layer: str) -> None:
    found = explained("random_cam", NETWORK, IMAGES, TARGETS, layer=layer)["signed"]
    again = explained("random_cam", NETWORK, IMAGES, TARGETS[::-1], layer=layer)["signed"]
    np.testing.assert_array_equal(found, again)
    after = ("dense1", "conv4") if layer == "relu1" else ("dense1",)
    changed = {
        name: value + 1 if name.startswith(after) else value for name, value in WEIGHTS.items()
    }
    other = runtime.build(ARCHITECTURE, changed)
    again = explained("random_cam", other, IMAGES, TARGETS, layer=layer)["signed"]
    np.testing.assert_array_equal(found, again)


def test_another_seed_is_another_map() -> None:
    one, again, other = (
        explained("random_cam", NETWORK, IMAGES, TARGETS, seed=seed)["signed"] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)
