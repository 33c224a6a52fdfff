"""Guided Grad-CAM is its two factors' product."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.arrays import resize
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-gap", (8, 10, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((3, 8, 10, 3))
TARGETS = np.array([3, 0, 2], np.int32)


@pytest.mark.parametrize("layer", ["relu2", "relu4"])
def test_it_is_guided_backpropagation_times_grad_cam(layer: str) -> None:
    guided = explained("guided_backprop", NETWORK, IMAGES, TARGETS)
    cam = explained("grad_cam", NETWORK, IMAGES, TARGETS, layer=layer)
    found = explained("guided_grad_cam", NETWORK, IMAGES, TARGETS, layer=layer)
    np.testing.assert_allclose(found["grad_cam"], cam["signed"], rtol=1e-12, atol=1e-15)
    expected = guided["heatmap"] * resize(cam["heatmap"], (8, 10))
    np.testing.assert_allclose(found["heatmap"], expected, rtol=1e-11, atol=1e-15)
    assert found["heatmap"].any()
    product = np.abs(guided["gradients"] * resize(cam["heatmap"], (8, 10))[..., None]).max(axis=-1)
    np.testing.assert_allclose(found["heatmap"], product, rtol=1e-11, atol=1e-15)


def test_it_reads_a_layer_and_answers_at_the_input() -> None:
    method = methods.load("guided_grad_cam")
    assert method.layer(ARCHITECTURE, None) == "relu4"
    assert method.layer(ARCHITECTURE, "conv2") == "relu2"
    assert method.at == "input"
