"""XGrad-CAM: what it conserves, and where it is Grad-CAM."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-gap", (8, 8, 1), 4)
WEIGHTS = randomise(ARCHITECTURE, 1)
NETWORK = runtime.build(ARCHITECTURE, WEIGHTS)
IMAGES = np.random.default_rng(2).random((3, 8, 8, 1))
TARGETS = np.array([3, 0, 2], np.int32)


def test_is_grad_cam_where_every_position_has_the_same_gradient() -> None:
    found = explained("xgrad_cam", NETWORK, IMAGES, TARGETS)
    plain = explained("grad_cam", NETWORK, IMAGES, TARGETS)
    for stage in ("signed", "heatmap"):
        np.testing.assert_allclose(found[stage], plain[stage], rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("layer", ["relu1", "relu2", "pool1", "relu4", "conv2"])
def test_it_conserves_what_hires_cam_does(layer: str) -> None:
    found = explained("xgrad_cam", NETWORK, IMAGES, TARGETS, layer=layer)
    other = explained("hires_cam", NETWORK, IMAGES, TARGETS, layer=layer)
    peak = np.abs(found["signed"]).sum(axis=(1, 2)).max()
    np.testing.assert_allclose(
        found["signed"].sum(axis=(1, 2)), other["signed"].sum(axis=(1, 2)), atol=1e-12 * peak
    )


def test_the_sum_is_the_logit_of_a_head_without_biases() -> None:
    weights = {name: np.zeros_like(v) if ".bias" in name else v for name, v in WEIGHTS.items()}
    network = runtime.build(ARCHITECTURE, weights)
    for layer in ("relu1", "pool1", "relu4"):
        signed = explained("xgrad_cam", network, IMAGES, TARGETS, layer=layer)["signed"]
        logits = network(IMAGES)[np.arange(3), TARGETS]
        np.testing.assert_allclose(signed.sum(axis=(1, 2)), logits, rtol=1e-10)


def test_a_channel_that_sums_to_zero_has_no_weight() -> None:
    """Dead by a bias far below, or of both signs in equal parts: neither is NaN."""
    weights = {name: value.copy() for name, value in WEIGHTS.items()}
    weights["conv4.bias"][5] = -1e3
    network = runtime.build(ARCHITECTURE, weights)
    found = explained("xgrad_cam", network, IMAGES, TARGETS)
    assert np.isfinite(found["weights"]).all()
    assert not found["weights"][:, 5].any()
    balanced = np.round(IMAGES * 256) / 256
    balanced[:, 4:] = -balanced[:, :4]
    found = explained("xgrad_cam", NETWORK, balanced, TARGETS, layer="input")
    np.testing.assert_array_equal(balanced.sum(axis=(1, 2)), 0)
    assert not found["signed"].any()


def test_a_sum_that_cancels_is_noted() -> None:
    """Pixels 3, 1, -1 and -2: a sum of 1, of magnitudes of 7."""
    image = np.zeros((1, 8, 8, 1))
    image[0, 0, :4, 0] = (3, 1, -1, -2)
    margins: list[np.ndarray] = []
    watched = NETWORK.watched(margins)
    explained("xgrad_cam", watched, image, TARGETS[:1], layer="input")
    np.testing.assert_allclose(margins[-1], [1 / 7])
    explained("xgrad_cam", watched, IMAGES, TARGETS, layer="relu4")
    np.testing.assert_array_equal(margins[-1], 1)


def test_a_head_of_zeros_gives_empty_maps() -> None:
    zero = {name: value * (not name.startswith("dense")) for name, value in WEIGHTS.items()}
    network = runtime.build(ARCHITECTURE, zero)
    assert not explained("xgrad_cam", network, IMAGES, TARGETS)["signed"].any()
