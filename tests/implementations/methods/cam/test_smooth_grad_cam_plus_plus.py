"""Smooth Grad-CAM++: Grad-CAM++ without noise, and equation by equation with it."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.arrays import Floats
from implementations.oracle import runtime

METHOD = methods.load("smooth_grad_cam_plus_plus")
ARCHITECTURE = get("cnn-32-16-8", (8, 6, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((3, 8, 6, 3))
TARGETS = np.array([3, 0, 2], np.int32)


def smooth(network: runtime.Reference = NETWORK, layer: str = "relu2", **given: str) -> Floats:
    given = {"samples": "4", **given}
    weights: Floats = explained(METHOD.name, network, IMAGES, TARGETS, layer, **given)["weights"]
    return weights


@pytest.mark.parametrize("layer", ["relu1", "relu2", "relu3"])
def test_without_noise_it_is_grad_cam_plus_plus(layer: str) -> None:
    plain = explained("grad_cam_plus_plus", NETWORK, IMAGES, TARGETS, layer)["weights"]
    atol = 1e-13 * plain.max()
    np.testing.assert_allclose(smooth(layer=layer, spread="0"), plain, rtol=0, atol=atol)


def test_moments_are_over_the_noisy_copies_and_activations_of_the_image_itself() -> None:
    options = METHOD.resolve({"samples": "4"})
    noise = METHOD.draws(options, ARCHITECTURE, "relu2", 0)["noise"]
    assert noise.shape == (4, 8, 6, 3)
    activations, _ = NETWORK.features("relu2", IMAGES)
    for n in range(3):
        image = IMAGES[n : n + 1]
        copies = image + 0.15 * (image.max() - image.min()) * noise
        noisy, rest = NETWORK.features("relu2", copies)
        target = np.repeat(TARGETS[n], 4)
        slopes = NETWORK.pull_back("relu2", noisy, rest, target, "logit")
        first, second, third = (np.mean(slopes**power, axis=0) for power in (1, 2, 3))
        divisors = 2 * second + activations[n].sum(axis=(0, 1)) * third
        assert (first.any() and not np.allclose(first**2, second)) or n
        shares = np.divide(second, divisors, out=np.zeros_like(second), where=divisors != 0)
        expected = (np.maximum(first, 0) * shares).sum(axis=(0, 1))
        np.testing.assert_allclose(smooth()[n], expected, rtol=1e-9, atol=1e-14)


def test_gradients_as_small_as_they_may_be_lose_no_digits() -> None:
    """So small that their cubes are 0: the term T M3 vanishes, w is sum relu(M1) / 2."""
    tiny = {f"dense1.{part}": 1e-150 for part in ("kernel", "bias")}
    factors = {name: tiny.get(name, 1.0) for name in NETWORK.tensors}
    tensors = {name: NETWORK.tensors[name] * factor for name, factor in factors.items()}
    network = runtime.build(ARCHITECTURE, tensors)
    noise = METHOD.draws(METHOD.resolve({"samples": "4"}), ARCHITECTURE, "relu2", 0)["noise"]
    slopes = []
    for sample in noise:
        extent = np.ptp(IMAGES, axis=(1, 2, 3), keepdims=True)
        noisy, rest = network.features("relu2", IMAGES + 0.15 * extent * sample)
        slopes.append(network.pull_back("relu2", noisy, rest, TARGETS, "logit"))
    expected = np.maximum(np.mean(slopes, axis=0), 0).sum(axis=(1, 2)) / 2
    assert 0 < expected.max() < 1e-148
    np.testing.assert_allclose(smooth(network), expected, rtol=1e-10)


def test_a_zero_head_gives_an_empty_map_and_another_seed_another() -> None:
    zero = {name: NETWORK.tensors[name] * (name[:5] != "dense") for name in NETWORK.tensors}
    assert not smooth(runtime.build(ARCHITECTURE, zero)).any()
    found = [
        explained(METHOD.name, NETWORK, IMAGES, TARGETS, "relu2", seed=seed, samples="4")["signed"]
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2])


def test_its_condition_is_by_how_much_a_head_that_is_off_moves_the_map() -> None:
    """A millionth of a random error at every weight of the head, on images with and without."""
    found = explained(METHOD.name, NETWORK, IMAGES, TARGETS, "relu2", samples="4")
    generator = np.random.default_rng(0)
    errors = np.zeros(3)
    for _ in range(5):
        kernel = NETWORK.tensor("conv3.kernel")
        kernel = kernel * (1 + 1e-6 * generator.uniform(-1, 1, kernel.shape))
        network = runtime.build(ARCHITECTURE, {**NETWORK.tensors, "conv3.kernel": kernel})
        moved = explained(METHOD.name, network, IMAGES, TARGETS, "relu2", samples="4")["signed"]
        off = np.abs(moved - found["signed"]).max(axis=(1, 2))
        errors = np.maximum(errors, off / np.abs(found["signed"]).max(axis=(1, 2)) / 1e-6)
    assert (found["condition"] >= 1).all()
    assert (errors <= found["condition"]).all(), (errors, found["condition"])
    assert (errors > 1e-3 * found["condition"]).all()


def test_it_costs_a_pass_and_a_gradient_a_copy_and_a_pass() -> None:
    assert METHOD.cost(METHOD.resolve({}), ARCHITECTURE, "relu2") == (26, 25, 0)
