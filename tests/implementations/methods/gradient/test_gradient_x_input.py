"""Gradient times input: what it sums to, and what it is on a linear network."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime
from implementations.oracle.network import Reference

IMAGES = np.random.default_rng(2).random((3, 12, 12, 3))
TARGETS = np.array([3, 0, 2], np.int32)


def network(name: str, biases: bool) -> Reference:
    architecture = get(name, (12, 12, 3), 4)
    weights = randomise(architecture, 1)
    if not biases:
        weights = {n: value * (not n.endswith(".bias")) for n, value in weights.items()}
    return runtime.build(architecture, weights)


def logits(of: Reference) -> np.ndarray:
    return np.asarray(of(IMAGES)[np.arange(3), TARGETS])


@pytest.mark.parametrize("name", ["cnn-gap", "cnn-pool-dropout", "mlp-512-100"])
def test_without_biases_it_sums_to_the_logit(name: str) -> None:
    plain = network(name, biases=False)
    found = explained("gradient_x_input", plain, IMAGES, TARGETS)["heatmap"]
    np.testing.assert_allclose(found.sum(axis=(1, 2)), logits(plain), rtol=1e-11)
    biased = network(name, biases=True)
    found = explained("gradient_x_input", biased, IMAGES, TARGETS)["heatmap"]
    assert not np.allclose(found.sum(axis=(1, 2)), logits(biased), rtol=1e-3)


@pytest.mark.parametrize("points", ["1", "4"])
def test_without_biases_it_is_integrated_gradients_from_black(points: str) -> None:
    plain = network("cnn-pool-dropout", biases=False)
    found = explained("gradient_x_input", plain, IMAGES, TARGETS)["heatmap"]
    other = explained("integrated_gradients", plain, IMAGES, TARGETS, points=points)["heatmap"]
    np.testing.assert_allclose(found, other, rtol=1e-10, atol=1e-14)


def test_on_a_linear_network_it_is_the_image_times_the_weights() -> None:
    linear = network("mlp-512-100", biases=True)
    matrix = np.linalg.multi_dot([linear.tensor(f"dense{n}.kernel") for n in (1, 2, 3)])
    weights = matrix.T[TARGETS].reshape(IMAGES.shape)
    found = explained("gradient_x_input", linear, IMAGES, TARGETS)
    np.testing.assert_allclose(found["heatmap"], (IMAGES * weights).sum(axis=-1), rtol=1e-10)
    assert found["heatmap"] is found["signed"]
