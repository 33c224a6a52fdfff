"""Guided backpropagation by hand, and that only its backward pass is another."""

from __future__ import annotations

import numpy as np
from oracle_maps import explained

from implementations.architecture.graph import parse
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime


def test_by_hand() -> None:
    """relu(x) @ (1, -1, 1) over pixels (1, 1, -1): only the first is positive and pulled up."""
    nodes = [
        {"name": "relu1", "kind": "relu", "inputs": "input"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu1"},
        {"name": "dense1", "kind": "dense", "units": 2, "inputs": "flatten1"},
    ]
    form = {"name": "by-hand", "input_shape": [1, 3, 1], "classes": 2, "nodes": nodes}
    architecture = parse(form, "by-hand")
    kernel = np.array([[1, 0], [-1, 0], [1, 0]], np.float32)
    weights = {"dense1.kernel": kernel, "dense1.bias": np.zeros(2, np.float32)}
    network = runtime.build(architecture, weights)
    image = np.array([1.0, 1.0, -1.0]).reshape(1, 1, 3, 1)
    stages = explained("guided_backprop", network, image, np.array([0]), form="signed")
    np.testing.assert_array_equal(stages["heatmap"], [[[1.0, 0.0, 0.0]]])


def test_positive_weights_make_it_saliency() -> None:
    """Where no kernel is negative no gradient is either, and the rules agree."""
    architecture = get("cnn-32-16-8", (5, 5, 1), 3)
    weights = {name: np.abs(value) for name, value in randomise(architecture, 1).items()}
    network = runtime.build(architecture, weights)
    images = np.random.default_rng(2).random((2, 5, 5, 1))
    targets = np.array([2, 0], np.int32)
    plain = explained("saliency", network, images, targets)["heatmap"]
    guided = explained("guided_backprop", network, images, targets)["heatmap"]
    np.testing.assert_array_equal(guided, plain)


def test_mixed_weights_do_not() -> None:
    architecture = get("cnn-32-16-8", (5, 5, 3), 3)
    network = runtime.build(architecture, randomise(architecture, 1))
    images = np.random.default_rng(2).random((2, 5, 5, 3))
    targets = np.array([2, 0], np.int32)
    stages = explained("guided_backprop", network, images, targets)
    activations, rest = network.features("input", images)
    plain = network.pull_back("input", activations, rest, targets, "logit")
    assert not np.allclose(stages["gradients"], plain)
    np.testing.assert_array_equal(stages["heatmap"], np.abs(stages["gradients"]).max(axis=-1))
