"""Finer-CAM from the maps of every class, and which classes it takes."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.errors import BadInput
from implementations.oracle import runtime
from implementations.oracle.network import Reference

ARCHITECTURE = get("cnn-gap", (8, 8, 1), 6)
WEIGHTS = randomise(ARCHITECTURE, 1)
NETWORK = runtime.build(ARCHITECTURE, WEIGHTS)
IMAGES = np.random.default_rng(2).random((3, 8, 8, 1))
TARGETS = np.array([3, 0, 5], np.int32)


def with_logits(*logits: float, slope: float) -> Reference:
    """The same network, its logits of any image these, but for its kernel times a slope."""
    weights = {name: value.copy() for name, value in WEIGHTS.items()}
    weights["dense1.kernel"] *= slope
    weights["dense1.bias"][:] = logits
    return runtime.build(ARCHITECTURE, weights)


@pytest.mark.parametrize("layer", ["pool1", "relu4"])
@pytest.mark.parametrize("weights", ["mean", "softmax"])
@pytest.mark.parametrize("classes", [1, 3, 5, 9])
def test_it_is_its_own_class_less_those_nearest(layer: str, weights: str, classes: int) -> None:
    options = {"classes": str(classes), "weights": weights, "strength": "0.7"}
    found = explained("finer_cam", NETWORK, IMAGES, TARGETS, layer=layer, **options)
    each = explained("grad_cam_all_classes", NETWORK, IMAGES, TARGETS, layer=layer)["signed"]
    for n, (logits, target) in enumerate(zip(NETWORK(IMAGES), TARGETS, strict=True)):
        others = [d for d in range(6) if d != target]
        near = sorted(others, key=lambda d: (abs(logits[d] - logits[target]), d))[:classes]
        shares = np.ones(len(near)) if weights == "mean" else np.exp(logits[near])
        taken = each[n][..., near] @ (shares / shares.sum())
        expected = each[n][..., target] - 0.7 * taken
        np.testing.assert_allclose(found["signed"][n], expected, rtol=1e-9, atol=1e-15)


def test_without_strength_it_is_grad_cam() -> None:
    found = explained("finer_cam", NETWORK, IMAGES, TARGETS, strength="0")
    plain = explained("grad_cam", NETWORK, IMAGES, TARGETS)
    np.testing.assert_array_equal(found["heatmap"], plain["heatmap"])


def test_of_equally_near_classes_the_lower_is_taken() -> None:
    """Class 3 at 1: 0 and 5 are at 2 and 0, 2 and 4 at 1.5; then 0 is before 5."""
    logits = (2, 9, 1.5, 1, 1.5, 0)
    tied = with_logits(*logits, slope=0)
    margins: list[np.ndarray] = []
    target = np.full(3, 3)
    explained("finer_cam", tied.watched(margins), IMAGES, target, classes="3")
    # No switch lies behind this layer, so the tie of 0 and 5 is all there is to note.
    np.testing.assert_array_equal(margins, np.zeros((1, 3)))
    explained("finer_cam", tied.watched(margins), IMAGES, target, classes="2")
    np.testing.assert_allclose(margins[1], 0.5 / 9)
    explained("finer_cam", tied.watched(margins), IMAGES, target, classes="5")
    assert len(margins) == 2
    network = with_logits(*logits, slope=1e-9)
    found = explained("finer_cam", network, IMAGES, target, classes="2")["signed"]
    each = explained("grad_cam_all_classes", network, IMAGES, target)["signed"]
    expected = each[..., 3] - 0.3 * (each[..., 2] + each[..., 4])
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-22)


def test_only_the_logit() -> None:
    with pytest.raises(BadInput, match="logit"):
        methods.load("finer_cam").resolve({}, "probability")
