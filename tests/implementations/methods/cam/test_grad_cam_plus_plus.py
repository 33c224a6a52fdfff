"""Grad-CAM++ in closed form, by hand, and what becomes of it when the head is scaled."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations.architecture.graph import parse
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.arrays import Weights
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-gap", (8, 8, 1), 4)
WEIGHTS = randomise(ARCHITECTURE, 1)
NETWORK = runtime.build(ARCHITECTURE, WEIGHTS)
IMAGES = np.random.default_rng(2).random((3, 8, 8, 1))
TARGETS = np.array([3, 0, 2], np.int32)


def scaled(factor: float) -> dict[str, np.ndarray]:
    """What it makes at the pooling in the middle, the last layer's weights times a factor."""
    weights: Weights = {
        name: value.astype(np.float64) * (factor if name.startswith("dense") else 1)
        for name, value in WEIGHTS.items()
    }
    network = runtime.build(ARCHITECTURE, weights)
    return explained("grad_cam_plus_plus", network, IMAGES, TARGETS, layer="pool1")


def test_before_global_pooling() -> None:
    """All 16 gradients are K / 16 there: w = relu(K) / (2 + K mean(A))."""
    found = explained("grad_cam_plus_plus", NETWORK, IMAGES, TARGETS)
    kernel = NETWORK.tensor("dense1.kernel").T[TARGETS]
    means = found["activations"].mean(axis=(1, 2))
    expected = np.maximum(kernel, 0) / (2 + np.maximum(kernel, 0) * means)
    np.testing.assert_allclose(found["weights"], expected, rtol=1e-12)
    np.testing.assert_array_equal(found["heatmap"], found["signed"])


def test_by_hand() -> None:
    """Nine-pixel sums of 0 to 15 less 50 and 75; a dense layer that adds five and takes three."""
    nodes = [
        {
            "name": "conv1", "kind": "conv", "inputs": "input",
            "filters": 2, "kernel": 3, "padding": "valid",
        },
        {"name": "relu1", "kind": "relu", "inputs": "conv1"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu1"},
        {"name": "dense1", "kind": "dense", "units": 2, "inputs": "flatten1"},
    ]  # fmt: skip
    form = {"name": "by-hand", "input_shape": [4, 4, 1], "classes": 2, "nodes": nodes}
    # The first channel's four places, and one of the second's, count up.
    kernel = np.array([1, 1, 1, -1, 1, -1, 1, -1], np.float32)
    weights = {
        "conv1.kernel": np.ones((3, 3, 1, 2), np.float32),
        "conv1.bias": np.array([-50, -75], np.float32),
        "dense1.kernel": np.stack([kernel, kernel], axis=1),
        "dense1.bias": np.zeros(2, np.float32),
    }
    network = runtime.build(parse(form, "by-hand"), weights)
    image = np.arange(16.0).reshape(1, 4, 4, 1)
    found = explained("grad_cam_plus_plus", network, image, np.array([0]))
    np.testing.assert_array_equal(found["activations"][0, ..., 0], [[0, 4], [31, 40]])
    np.testing.assert_array_equal(found["activations"][0, ..., 1], [[0, 0], [6, 15]])
    np.testing.assert_allclose(found["weights"], [[4 / 77, 1 / 23]], rtol=1e-15)


def test_it_is_equation_19_where_no_gradient_is_zero() -> None:
    found = explained("grad_cam_plus_plus", NETWORK, IMAGES, TARGETS, layer="pool1")
    gradients, activations = found["gradients"], found["activations"]
    assert gradients.all()
    sums = activations.sum(axis=(1, 2), keepdims=True)
    with np.errstate(all="raise"):
        alpha = gradients**2 / (2 * gradients**2 + sums * gradients**3)
    weights = (alpha * np.maximum(gradients, 0)).sum(axis=(1, 2))
    np.testing.assert_allclose(found["weights"], weights, rtol=1e-10)


def test_a_scaled_head_is_no_scaled_map() -> None:
    """Between the sum of the positive gradients, halved, and their number over the sum of A."""
    plain, tiny, huge, tenfold = (scaled(factor) for factor in (1.0, 1e-12, 1e12, 10.0))
    positive = np.maximum(plain["gradients"], 0).sum(axis=(1, 2)) / 2
    assert (plain["weights"] >= 0).all()
    assert (plain["weights"] <= positive).all()
    np.testing.assert_allclose(tiny["weights"] / 1e-12, positive, rtol=1e-10)
    sums = plain["activations"].sum(axis=(1, 2))
    count = (plain["gradients"] > 0).sum(axis=(1, 2))
    alive = sums > 0
    np.testing.assert_allclose(huge["weights"][alive], (count[alive] / sums[alive]), rtol=1e-6)
    one, other = (each["signed"] / each["signed"].max() for each in (plain, tenfold))
    assert np.abs(one - other).max() > 0.01


def test_a_divisor_of_exactly_zero_gives_nothing() -> None:
    """A gradient of 1 where the image sums to -2: the only divisor is 0."""
    nodes = [
        {"name": "flatten1", "kind": "flatten", "inputs": "input"},
        {"name": "dense1", "kind": "dense", "units": 2, "inputs": "flatten1"},
    ]
    form = {"name": "by-hand", "input_shape": [1, 2, 1], "classes": 2, "nodes": nodes}
    weights = {"dense1.kernel": np.ones((2, 2), np.float32), "dense1.bias": np.zeros(2, np.float32)}
    margins: list[np.ndarray] = []
    network = runtime.build(parse(form, "by-hand"), weights).watched(margins)
    image = np.array([-1.5, -0.5]).reshape(1, 1, 2, 1)
    for factor in (1, 1.5):
        found = explained(
            "grad_cam_plus_plus", network, factor * image, np.array([0]), layer="input"
        )
        assert found["signed"].any() == (factor != 1)
    np.testing.assert_allclose(margins, [[0], [1 / 5]])


@pytest.mark.parametrize("layer", ["relu1", "relu4"])
def test_a_head_of_zeros_gives_empty_maps(layer: str) -> None:
    zero = {name: value * (not name.startswith("dense")) for name, value in WEIGHTS.items()}
    network = runtime.build(ARCHITECTURE, zero)
    found = explained("grad_cam_plus_plus", network, IMAGES, TARGETS, layer=layer)
    assert not found["signed"].any()
