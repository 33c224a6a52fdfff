"""VarGrad: nothing where the gradient is one, and the variance of all passes from each one's."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.methods.gradient.var_grad import pooled
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-32-16-8", (6, 6, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((2, 6, 6, 3))
TARGETS = np.array([3, 0], np.int32)


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("parts", [1, 2, 6, 12])
def test_passes_are_pooled(parts: int, offset: float) -> None:
    """A mean far above the deviations takes no digits but its own."""
    values = np.random.default_rng(5).normal(size=(12, 3)) + offset
    each = [(part.mean(axis=0), part.var(axis=0)) for part in np.split(values, parts)]
    exact = ((values - values.mean(axis=0)) ** 2).mean(axis=0)
    np.testing.assert_allclose(pooled(each), exact, rtol=1e-12 if offset == 0 else 1e-9)


def test_one_gradient_has_no_variance() -> None:
    still = explained("var_grad", NETWORK, IMAGES, TARGETS, samples="3", spread="0")
    assert not still["heatmap"].any()
    architecture = get("mlp-512-100", (6, 6, 3), 4)
    linear = runtime.build(architecture, randomise(architecture, 1))
    assert not explained("var_grad", linear, IMAGES, TARGETS, samples="4")["heatmap"].any()


def test_it_is_the_variance_at_noisy_copies() -> None:
    noise = np.random.Generator(np.random.PCG64(3)).standard_normal((4, 6, 6, 3))
    gradients = np.zeros((4, *IMAGES.shape))
    for number, sample in enumerate(noise):
        for row, image in enumerate(IMAGES):
            noisy = image + 0.15 * np.ptp(image) * sample
            single = explained("saliency", NETWORK, noisy[None], TARGETS[row : row + 1])
            gradients[number, row] = single["gradients"][0]
    found = explained("var_grad", NETWORK, IMAGES, TARGETS, samples="4", seed=3)
    np.testing.assert_allclose(found["variances"], gradients.var(axis=0), rtol=1e-9, atol=1e-16)
    np.testing.assert_array_equal(found["heatmap"], found["variances"].max(axis=-1))
    assert found["heatmap"].max() > 1e-6
