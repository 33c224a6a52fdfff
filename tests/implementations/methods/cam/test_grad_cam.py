"""Grad-CAM against what the global pooling of a network says in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-gap", (8, 8, 1), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((3, 8, 8, 1))
TARGETS = np.array([3, 0, 2], np.int32)


def explain(score: str = "logit", **options: str) -> dict[str, np.ndarray]:
    return explained("grad_cam", NETWORK, IMAGES, TARGETS, score=score, **options)


def test_is_cam_over_the_number_of_places() -> None:
    """Before global pooling of 16 places, every gradient is K[c, k] / 16: so is their mean."""
    stages = explain()
    np.testing.assert_allclose(
        stages["weights"], NETWORK.tensor("dense1.kernel").T[TARGETS] / 16, rtol=1e-12
    )
    signed = explained("cam", NETWORK, IMAGES, TARGETS)["signed"]
    np.testing.assert_allclose(stages["signed"], signed / 16, rtol=1e-10, atol=1e-14)


def test_by_hand() -> None:
    """A dense layer after a flatten: the gradients are its kernel, the activations the image."""
    shape = {"name": "by-hand", "input_shape": [2, 2, 1], "classes": 2}
    nodes = [
        {"name": "relu1", "kind": "relu", "inputs": "input"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu1"},
        {"name": "dense1", "kind": "dense", "units": 2, "inputs": "flatten1"},
    ]
    from implementations.architecture.graph import parse

    architecture = parse({**shape, "nodes": nodes}, "by-hand")
    kernel = np.array([[1, 0], [2, -8], [3, 0], [6, 0]], np.float32)
    weights = {"dense1.kernel": kernel, "dense1.bias": np.zeros(2, np.float32)}
    network = runtime.build(architecture, weights)
    image = np.array([[0.5, 1.0], [0.25, 0.0]])[None, :, :, None]
    first = explained("grad_cam", network, image, np.array([0]), layer="relu1")
    second = explained("grad_cam", network, image, np.array([1]), layer="relu1")
    np.testing.assert_array_equal(first["weights"], [[3.0]])
    np.testing.assert_array_equal(first["heatmap"], 3 * image[..., 0])
    np.testing.assert_array_equal(second["signed"], -2 * image[..., 0])
    np.testing.assert_array_equal(second["heatmap"], np.zeros((1, 2, 2)))


def test_options() -> None:
    stages = explain()
    np.testing.assert_array_equal(stages["heatmap"], np.maximum(stages["signed"], 0))
    assert (stages["signed"] < 0).any()
    np.testing.assert_array_equal(explain(relu="false")["heatmap"], stages["signed"])
    np.testing.assert_allclose(explain(reduction="mean")["signed"], stages["signed"] / 128)


def test_score_is_what_is_differentiated() -> None:
    """Of a probability p_k, the chain rule over all logits: d p_k / d z_j = p_k (1[j=k] - p_j)."""
    logits = NETWORK(IMAGES)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(3)
    slopes = p[rows, TARGETS][:, None] * (np.eye(4)[TARGETS] - p)
    weights = slopes @ NETWORK.tensor("dense1.kernel").T / 16
    np.testing.assert_allclose(explain("probability")["weights"], weights, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("layer", ["conv1", "conv2:pre", "pool1"])
def test_every_layer_has_its_own_size(layer: str) -> None:
    node = methods.load("grad_cam").layer(ARCHITECTURE, layer)
    stages = explained("grad_cam", NETWORK, IMAGES, TARGETS, layer=node)
    height, width, channels = ARCHITECTURE.shapes[node]
    assert stages["heatmap"].shape == (3, height, width)
    assert stages["gradients"].shape == (3, height, width, channels)
