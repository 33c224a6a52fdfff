"""Saliency against finite differences, and its three forms."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-32-16-8", (5, 6, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((2, 5, 6, 3))
TARGETS = np.array([3, 0], np.int32)


def explain(score: str = "logit", **options: str) -> dict[str, np.ndarray]:
    return explained("saliency", NETWORK, IMAGES, TARGETS, score=score, **options)


@pytest.mark.parametrize("score", ["logit", "probability", "log_probability"])
def test_gradients_are_finite_differences(score: str) -> None:
    gradients = explain(score)["gradients"]
    step = 1e-6
    for place in [(0, 0, 0), (2, 3, 1), (4, 5, 2), (1, 4, 0)]:
        shifted = IMAGES.copy()
        shifted[:, *place] += step
        above = NETWORK.score(score, NETWORK(shifted), TARGETS)
        shifted[:, *place] -= 2 * step
        below = NETWORK.score(score, NETWORK(shifted), TARGETS)
        slope = (above - below) / (2 * step)
        np.testing.assert_allclose(gradients[:, *place], slope, rtol=1e-5, atol=1e-8)


def test_forms() -> None:
    gradients = explain()["gradients"]
    heatmap = explain()["heatmap"]
    signed = explain(form="signed")["heatmap"]
    np.testing.assert_array_equal(heatmap, np.abs(gradients).max(axis=-1))
    np.testing.assert_array_equal(np.abs(signed), heatmap)
    np.testing.assert_allclose(explain(form="square")["heatmap"], heatmap**2)
    assert (signed[..., None] == gradients).any(axis=-1).all()
    assert (signed < 0).any()
    assert "signed" not in explain()
