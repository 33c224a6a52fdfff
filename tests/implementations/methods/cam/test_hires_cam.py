"""HiResCAM: what its map sums to, and where it is Grad-CAM."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

IMAGES = np.random.default_rng(2).random((3, 8, 8, 1))
TARGETS = np.array([3, 0, 2], np.int32)
ROWS = np.arange(3)
POOLED = runtime.build(get("cnn-gap", (8, 8, 1), 4), randomise(get("cnn-gap", (8, 8, 1), 4), 1))


def test_is_grad_cam_where_every_position_has_the_same_gradient() -> None:
    found = explained("hires_cam", POOLED, IMAGES, TARGETS)
    plain = explained("grad_cam", POOLED, IMAGES, TARGETS)
    for stage in ("signed", "heatmap"):
        np.testing.assert_allclose(found[stage], plain[stage], rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("layer", ["relu1", "pool1", "relu3"])
def test_is_not_where_they_differ(layer: str) -> None:
    found = explained("hires_cam", POOLED, IMAGES, TARGETS, layer=layer)
    plain = explained("grad_cam", POOLED, IMAGES, TARGETS, layer=layer)
    assert not np.allclose(found["signed"], plain["signed"], rtol=0.1)


@pytest.mark.parametrize("layer", ["relu1", "pool1", "conv2", "dropout2", "input"])
def test_a_map_sums_to_the_logit_of_a_head_without_biases(layer: str) -> None:
    architecture = get("cnn-pool-dropout", (12, 12, 1), 4)
    weights = randomise(architecture, 1)
    for name in weights:
        if name.endswith(".bias"):
            weights[name][:] = 0
    network = runtime.build(architecture, weights)
    images = np.random.default_rng(3).random((3, 12, 12, 1))
    found = explained("hires_cam", network, images, TARGETS, layer=layer, relu="false")
    logits = network(images)[ROWS, TARGETS]
    np.testing.assert_allclose(found["heatmap"].sum(axis=(1, 2)), logits, rtol=1e-11)


def test_a_bias_of_the_head_is_what_is_missing() -> None:
    signed = explained("hires_cam", POOLED, IMAGES, TARGETS)["signed"]
    bias = POOLED.tensors["dense1.bias"][TARGETS]
    np.testing.assert_allclose(
        signed.sum(axis=(1, 2)), POOLED(IMAGES)[ROWS, TARGETS] - bias, rtol=1e-11
    )


def test_a_head_of_zeros_gives_empty_maps() -> None:
    tensors = POOLED.tensors
    zero = {name: tensors[name] * (not name.startswith("dense")) for name in tensors}
    network = runtime.build(POOLED.architecture, zero)
    assert not explained("hires_cam", network, IMAGES, TARGETS)["signed"].any()
