"""Eigen-Grad-CAM: whose direction it is, and what a scaled head does to it."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-32-16-8", (8, 6, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((3, 8, 6, 3))
TARGETS = np.array([3, 0, 2], np.int32)


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("layer", ["relu2", "relu3"])
def test_the_weights_are_the_unit_eigenvector_of_gradient_times_activation(
    layer: str, centred: bool
) -> None:
    options = {"centred": str(centred), "relu": "false"}
    found = explained("eigen_grad_cam", NETWORK, IMAGES, TARGETS, layer, **options)
    for n, product in enumerate(found["gradients"] * found["activations"]):
        rows = product.reshape(-1, product.shape[-1])
        rows = rows - rows.mean(axis=0) if centred else rows
        weights = found["weights"][n]
        largest = np.linalg.eigvalsh(rows.T @ rows)[-1]
        residue = rows.T @ (rows @ weights) - largest * weights
        assert np.abs(residue).max() <= 1e-12 * largest
        peak = np.abs(found["heatmap"][n]).max()
        mapped = rows @ weights
        np.testing.assert_allclose(found["heatmap"][n].ravel(), mapped, rtol=0, atol=1e-12 * peak)
        assert weights.sum() > 0 and (mapped * rows.sum(axis=1)).sum() > 0


def test_a_head_ten_times_as_large_gives_a_map_ten_times_as_large() -> None:
    head = {f"dense1.{part}": 10 * NETWORK.tensors[f"dense1.{part}"] for part in ("kernel", "bias")}
    other = runtime.build(ARCHITECTURE, {**NETWORK.tensors, **head})
    found = explained("eigen_grad_cam", NETWORK, IMAGES, TARGETS)
    again = explained("eigen_grad_cam", other, IMAGES, TARGETS)
    atol = 1e-11 * np.abs(found["signed"]).max()
    np.testing.assert_allclose(again["signed"], 10 * found["signed"], rtol=0, atol=atol)
    np.testing.assert_allclose(again["weights"], found["weights"], rtol=0, atol=1e-12)


def test_a_head_of_zeros_gives_empty_maps() -> None:
    zero = {name: NETWORK.tensors[name] * (name[:5] != "dense") for name in NETWORK.tensors}
    found = explained("eigen_grad_cam", runtime.build(ARCHITECTURE, zero), IMAGES, TARGETS)
    assert not found["signed"].any() and not found["gap"].any()
    assert np.isfinite(found["weights"]).all()
