"""Eigen-CAM: whose direction it is, its sign, and what it does not read."""

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
def test_the_weights_are_the_unit_eigenvector_of_the_largest_eigenvalue(centred: bool) -> None:
    found = explained("eigen_cam", NETWORK, IMAGES, TARGETS, "relu2", centred=str(centred))
    for n, activations in enumerate(found["activations"]):
        rows = activations.reshape(-1, 16)
        rows = rows - rows.mean(axis=0) if centred else rows
        weights = found["weights"][n]
        eigenvalues = np.linalg.eigvalsh(rows.T @ rows)
        residue = rows.T @ (rows @ weights) - eigenvalues[-1] * weights
        assert np.abs(residue).max() <= 1e-12 * eigenvalues[-1]
        np.testing.assert_allclose(np.linalg.norm(weights), 1, rtol=1e-13)
        np.testing.assert_allclose(found["signed"][n].ravel(), rows @ weights, rtol=1e-12)
        assert weights.sum() > 0 and (found["signed"][n].ravel() * rows.sum(axis=1)).sum() > 0
        share = 1 - np.sqrt(eigenvalues[-2] / eigenvalues[-1])
        np.testing.assert_allclose(found["gap"][n], share, rtol=1e-9)


def test_where_activations_are_not_negative_neither_is_anything_else() -> None:
    found = explained("eigen_cam", NETWORK, IMAGES, TARGETS, "relu2")
    for name in ("weights", "signed"):
        assert found[name].min() > -1e-14
    np.testing.assert_allclose(found["heatmap"], found["signed"], rtol=0, atol=1e-14)


def test_neither_the_target_nor_the_head_plays_a_part() -> None:
    found = explained("eigen_cam", NETWORK, IMAGES, TARGETS, "relu2")
    head = {name: -3 * NETWORK.tensors[name] for name in ("dense1.kernel", "conv3.kernel")}
    other = runtime.build(ARCHITECTURE, {**NETWORK.tensors, **head})
    again = explained("eigen_cam", other, IMAGES, (TARGETS + 1) % 4, "relu2")
    np.testing.assert_array_equal(again["signed"], found["signed"])


def test_another_order_of_the_channels_changes_nothing() -> None:
    order = np.random.default_rng(4).permutation(16)
    tensors = dict(NETWORK.tensors)
    tensors["conv2.kernel"] = tensors["conv2.kernel"][..., order]
    tensors["conv2.bias"] = tensors["conv2.bias"][order]
    other = runtime.build(ARCHITECTURE, tensors)
    found = explained("eigen_cam", NETWORK, IMAGES, TARGETS, "relu2")
    again = explained("eigen_cam", other, IMAGES, TARGETS, "relu2")
    atol = 1e-12 * found["signed"].max()
    np.testing.assert_allclose(again["signed"], found["signed"], rtol=0, atol=atol)
    np.testing.assert_allclose(again["weights"], found["weights"][:, order], rtol=0, atol=1e-12)


def test_one_channel_is_its_own_map_and_none_alive_an_empty_one() -> None:
    grey = get("cnn-32-16-8", (8, 6, 1), 4)
    network = runtime.build(grey, randomise(grey, 1))
    found = explained("eigen_cam", network, IMAGES[..., :1], TARGETS, "input")
    np.testing.assert_allclose(found["signed"], IMAGES[..., 0], rtol=1e-13)
    np.testing.assert_array_equal(found["gap"], 1)
    found = explained("eigen_cam", network, 0 * IMAGES[..., :1], TARGETS, "input")
    assert not found["signed"].any() and not found["gap"].any()
    # The mean of a constant may be the constant but for rounding: nothing of it is left.
    for level in (0.1, 0.3, 0.7):
        images = np.full_like(IMAGES, level)
        found = explained("eigen_cam", NETWORK, images, TARGETS, "input", centred="true")
        assert not found["signed"].any() and not found["gap"].any()


def test_where_the_weights_cancel_the_largest_entry_is_positive() -> None:
    images = np.zeros((2, 8, 6, 3))
    images[:, :4, :, 0], images[:, 4:, :, 1] = 0.5, 0.5
    images[:, 2, 3, 0], images[:, 6, 3, 1] = (0.7, 0.9), (0.9, 0.7)
    plain = explained("eigen_cam", NETWORK, images, TARGETS[:2], "input", centred="true")
    # The second colour's mirror image of the first: what one gains over its mean the other loses.
    images[..., 1] = 0.9 - images[..., 0]
    found = explained("eigen_cam", NETWORK, images, TARGETS[:2], "input", centred="true")
    assert np.abs(plain["weights"].sum(axis=1)).min() > 0.01
    assert np.abs(found["weights"].sum(axis=1)).max() <= 1e-9
    for signed in found["signed"]:
        assert signed.max() == np.abs(signed).max()
