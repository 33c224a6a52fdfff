"""Expected gradients: exact on a linear network, complete in the mean, integrated gradients too."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained, whole

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

METHOD = methods.load("expected_gradients")
ARCHITECTURE = get("cnn-gap", (6, 6, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((2, 6, 6, 3))
TARGETS = np.array([3, 0], np.int32)


def test_baselines_and_then_their_shares_are_drawn() -> None:
    drawn = METHOD.draws(METHOD.resolve({"samples": "5"}), ARCHITECTURE, "input", 7)
    generator = np.random.Generator(np.random.PCG64(7))
    assert list(drawn) == ["baselines", "alphas"]
    np.testing.assert_array_equal(drawn["baselines"], generator.random((5, 6, 6, 3)))
    np.testing.assert_array_equal(drawn["alphas"], generator.random(5))


def test_of_training_images_rows_are_drawn_and_then_their_shares() -> None:
    background = np.random.default_rng(5).random((7, 6, 6, 3), np.float32)
    drawn = METHOD.draws(METHOD.resolve({"samples": "9"}), ARCHITECTURE, "input", 4, background)
    generator = np.random.Generator(np.random.PCG64(4))
    rows = generator.integers(0, 7, 9)
    np.testing.assert_array_equal(drawn["baselines"], background[rows])
    np.testing.assert_array_equal(drawn["alphas"], generator.random(9))
    assert {value.dtype for value in drawn.values()} == {np.dtype(np.float64)}


def test_a_background_of_no_images_is_noise() -> None:
    options = METHOD.resolve({"samples": "3"})
    none = METHOD.draws(options, ARCHITECTURE, "input", 4, np.zeros((0, 6, 6, 3), np.float32))
    noise = METHOD.draws(options, ARCHITECTURE, "input", 4)
    np.testing.assert_array_equal(none["baselines"], noise["baselines"])


def test_on_a_linear_network_it_is_the_distance_from_the_mean_baseline() -> None:
    architecture = get("mlp-512-100", (6, 6, 3), 4)
    network = runtime.build(architecture, randomise(architecture, 1))
    found = explained("expected_gradients", network, IMAGES, TARGETS, samples="9", seed=3)
    drawn = METHOD.draws(METHOD.resolve({"samples": "9"}), architecture, "input", 3)
    matrix = np.linalg.multi_dot([network.tensor(f"dense{n}.kernel") for n in (1, 2, 3)])
    weights = matrix.T[TARGETS].reshape(IMAGES.shape)
    expected = ((IMAGES - drawn["baselines"].mean(axis=0)) * weights).sum(axis=-1)
    np.testing.assert_allclose(found["heatmap"], expected, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(found["completeness_gap"], 0, atol=1e-12)


@pytest.mark.parametrize("score", ["logit", "log_probability"])
def test_black_baselines_at_midpoints_are_integrated_gradients(score: str) -> None:
    options = METHOD.resolve({"samples": "4"}, score)
    explain = METHOD.builder("reference")(NETWORK, "input", options, whole)
    draws = {"baselines": np.zeros((4, 6, 6, 3)), "alphas": (np.arange(4) + 0.5) / 4}
    found = explain(NETWORK, IMAGES, TARGETS, draws)
    given = {"points": "4", "rule": "midpoint", "score": score}
    other = explained("integrated_gradients", NETWORK, IMAGES, TARGETS, **given)
    for name in ("heatmap", "completeness_gap"):
        np.testing.assert_allclose(found[name], other[name], rtol=1e-9, atol=1e-14)


def test_more_samples_leave_a_smaller_gap() -> None:
    """The gap's size falls as one over the root of their number, here by about eight."""
    few, many = (
        np.mean(
            [
                np.abs(
                    explained(
                        "expected_gradients", NETWORK, IMAGES, TARGETS, samples=samples, seed=seed
                    )["completeness_gap"]
                )
                for seed in range(4)
            ]
        )
        for samples in ("2", "128")
    )
    assert 0 < many < few / 2


def test_it_costs_a_pass_a_point_a_baseline_and_one() -> None:
    assert METHOD.cost(METHOD.resolve({}), ARCHITECTURE, "input")[:2] == (129, 64)
