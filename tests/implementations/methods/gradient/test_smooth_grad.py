"""SmoothGrad: without noise saliency, on a linear network too, and its mean by hand."""

from __future__ import annotations

import numpy as np
from oracle_maps import explained

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

METHOD = methods.load("smooth_grad")
ARCHITECTURE = get("cnn-32-16-8", (6, 6, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((2, 6, 6, 3))
TARGETS = np.array([3, 0], np.int32)


def test_without_noise_it_is_saliency() -> None:
    plain = explained("saliency", NETWORK, IMAGES, TARGETS)
    found = explained("smooth_grad", NETWORK, IMAGES, TARGETS, samples="3", spread="0")
    np.testing.assert_allclose(found["heatmap"], plain["heatmap"], rtol=1e-13)


def test_a_linear_network_has_one_gradient_whatever_the_noise() -> None:
    architecture = get("mlp-512-100", (6, 6, 3), 4)
    network = runtime.build(architecture, randomise(architecture, 1))
    plain = explained("saliency", network, IMAGES, TARGETS)
    found = explained("smooth_grad", network, IMAGES, TARGETS, samples="4", seed=7)
    np.testing.assert_allclose(found["heatmap"], plain["heatmap"], rtol=1e-12)


def test_it_is_the_mean_of_the_gradients_at_noisy_copies() -> None:
    options = METHOD.resolve({"samples": "5", "spread": "0.2"})
    noise = METHOD.draws(options, ARCHITECTURE, "input", 3)["noise"]
    assert noise.shape == (5, 6, 6, 3)
    np.testing.assert_array_equal(
        noise, np.random.Generator(np.random.PCG64(3)).standard_normal((5, 6, 6, 3))
    )
    gradients = np.zeros_like(IMAGES)
    for sample in noise:
        for row, image in enumerate(IMAGES):
            noisy = image + 0.2 * (image.max() - image.min()) * sample
            target = TARGETS[row : row + 1]
            gradients[row] += (
                explained("saliency", NETWORK, noisy[None], target)["gradients"][0] / 5
            )
    found = explained("smooth_grad", NETWORK, IMAGES, TARGETS, samples="5", spread="0.2", seed=3)
    np.testing.assert_allclose(found["gradients"], gradients, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(found["heatmap"], np.abs(gradients).max(axis=-1), rtol=1e-11)
    assert METHOD.cost(options, ARCHITECTURE, "input")[:2] == (5, 5)


def test_another_seed_is_another_map_and_the_same_seed_the_same() -> None:
    one, again, other = (
        explained("smooth_grad", NETWORK, IMAGES, TARGETS, samples="2", seed=seed)["heatmap"]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)
