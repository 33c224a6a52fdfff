"""SmoothGrad squared: by hand, and from its relatives."""

from __future__ import annotations

import numpy as np
from oracle_maps import explained

from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-32-16-8", (6, 6, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((2, 6, 6, 3))
TARGETS = np.array([3, 0], np.int32)


def test_it_is_the_variance_and_the_squared_mean() -> None:
    options = {"samples": "7", "spread": "0.3"}
    squared, variance, mean = (
        explained(name, NETWORK, IMAGES, TARGETS, seed=4, **options)
        for name in ("smooth_grad_squared", "var_grad", "smooth_grad")
    )
    expected = variance["variances"] + mean["gradients"] ** 2
    np.testing.assert_allclose(squared["squares"], expected, rtol=1e-11, atol=1e-16)
    np.testing.assert_array_equal(squared["heatmap"], squared["squares"].max(axis=-1))


def test_without_noise_it_is_saliency_squared() -> None:
    found = explained("smooth_grad_squared", NETWORK, IMAGES, TARGETS, samples="3", spread="0")
    plain = explained("saliency", NETWORK, IMAGES, TARGETS, form="square")
    np.testing.assert_allclose(found["heatmap"], plain["heatmap"], rtol=1e-13)


def test_it_is_the_mean_of_the_squares_at_noisy_copies() -> None:
    noise = np.random.Generator(np.random.PCG64(3)).standard_normal((4, 6, 6, 3))
    squares = np.zeros_like(IMAGES)
    for sample in noise:
        for row, image in enumerate(IMAGES):
            noisy = image + 0.15 * np.ptp(image) * sample
            single = explained("saliency", NETWORK, noisy[None], TARGETS[row : row + 1])
            squares[row] += single["gradients"][0] ** 2 / 4
    found = explained("smooth_grad_squared", NETWORK, IMAGES, TARGETS, samples="4", seed=3)
    np.testing.assert_allclose(found["squares"], squares, rtol=1e-10, atol=1e-15)
