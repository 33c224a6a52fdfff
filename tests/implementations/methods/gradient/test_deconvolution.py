"""Deconvolution by hand, and where it is saliency and guided backpropagation."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations.architecture.graph import parse
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

IMAGES = np.random.default_rng(2).random((2, 5, 5, 3))
TARGETS = np.array([2, 0], np.int32)


@pytest.mark.parametrize("kind", ["relu", "relu6"])
def test_by_hand(kind: str) -> None:
    """relu(x) @ (1, -1, 1, 1) over pixels (1, 1, -1, 7): all that is pulled up, open or not."""
    nodes = [
        {"name": "relu1", "kind": kind, "inputs": "input"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu1"},
        {"name": "dense1", "kind": "dense", "units": 2, "inputs": "flatten1"},
    ]
    form = {"name": "by-hand", "input_shape": [1, 4, 1], "classes": 2, "nodes": nodes}
    kernel = np.array([[1, 0], [-1, 0], [1, 0], [1, 0]], np.float32)
    weights = {"dense1.kernel": kernel, "dense1.bias": np.zeros(2, np.float32)}
    network = runtime.build(parse(form, "by-hand"), weights)
    image = np.array([1.0, 1.0, -1.0, 7.0]).reshape(1, 1, 4, 1)
    found = explained("deconvolution", network, image, np.array([0]), form="signed")
    np.testing.assert_array_equal(found["heatmap"], [[[1.0, 0.0, 1.0, 1.0]]])
    guided = explained("guided_backprop", network, image, np.array([0]), form="signed")
    last = 1.0 if kind == "relu" else 0.0
    np.testing.assert_array_equal(guided["heatmap"], [[[1.0, 0.0, 0.0, last]]])


def test_where_every_relu_is_open_and_no_weight_negative_it_is_saliency() -> None:
    architecture = get("cnn-32-16-8", (5, 5, 3), 3)
    weights = {name: np.abs(value) for name, value in randomise(architecture, 1).items()}
    network = runtime.build(architecture, weights)
    plain = explained("saliency", network, IMAGES, TARGETS)["heatmap"]
    found = explained("deconvolution", network, IMAGES, TARGETS)["heatmap"]
    np.testing.assert_array_equal(found, plain)


def test_between_pools_it_asks_nothing_of_the_image() -> None:
    """Without max-pooling the image decides nothing at all; saliency and guided ask the ReLUs."""
    architecture = get("cnn-32-16-8", (5, 5, 3), 3)
    network = runtime.build(architecture, randomise(architecture, 1))
    other = IMAGES[::-1] ** 2
    for method, same in (("deconvolution", True), ("guided_backprop", False), ("saliency", False)):
        one, two = (explained(method, network, x, TARGETS)["gradients"] for x in (IMAGES, other))
        assert np.allclose(one, two, rtol=1e-12) == same, method
    found = explained("deconvolution", network, IMAGES, TARGETS)
    np.testing.assert_array_equal(found["heatmap"], np.abs(found["gradients"]).max(axis=-1))
