"""Integrated gradients: completeness, exactness on linear networks, and the rules."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.errors import BadInput
from implementations.methods import quadrature
from implementations.oracle import runtime
from implementations.oracle.network import Reference

IG = methods.load("integrated_gradients")
ARCHITECTURE = get("cnn-gap", (6, 6, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((2, 6, 6, 3))
TARGETS = np.array([3, 0], np.int32)


def explain(network: Reference = NETWORK, **options: str) -> dict[str, np.ndarray]:
    return explained("integrated_gradients", network, IMAGES, TARGETS, **options)


def test_completeness() -> None:
    stages = explain()
    rows = np.arange(2)
    rise = (NETWORK(IMAGES) - NETWORK(np.zeros_like(IMAGES)))[rows, TARGETS]
    total = stages["heatmap"].sum(axis=(1, 2))
    np.testing.assert_allclose(stages["completeness_gap"], total - rise, atol=1e-12)
    evidence = np.abs(stages["heatmap"]).sum(axis=(1, 2))
    assert (np.abs(stages["completeness_gap"]) < 0.02 * evidence).all()
    few = explain(points="2")["completeness_gap"]
    assert np.abs(few).sum() > 2 * np.abs(stages["completeness_gap"]).sum()


@pytest.mark.parametrize("rule", IG.options["rule"].values)
@pytest.mark.parametrize("points", ["2", "3", "7"])
def test_exact_on_a_linear_network(rule: str, points: str) -> None:
    """The gradient is the same everywhere, so every rule is exact from every baseline."""
    architecture = get("mlp-512-100", (6, 6, 3), 4)
    network = runtime.build(architecture, randomise(architecture, 1))
    stages = explain(network, rule=rule, points=points, baseline="0.25")
    start = np.full_like(IMAGES, 0.25)
    activations, rest = network.features("input", IMAGES)
    gradients = network.pull_back("input", activations, rest, TARGETS, "logit")
    expected = ((IMAGES - start) * gradients).sum(axis=-1)
    np.testing.assert_allclose(stages["heatmap"], expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(stages["completeness_gap"], 0, atol=1e-12)


@pytest.mark.parametrize("rule", IG.options["rule"].values)
def test_rules_integrate(rule: str) -> None:
    """The weights add up to 1 and the rule finds the integral of a^2, which is 1/3."""
    places, weights = quadrature.rule(IG.resolve({"rule": rule, "points": "50"}))
    assert places.min() >= 0
    assert places.max() <= 1
    assert weights.sum() == pytest.approx(1, abs=1e-14)
    tolerance = {"gauss_legendre": 1e-14, "riemann_left": 0.011, "riemann_right": 0.011}
    assert (weights * places**2).sum() == pytest.approx(1 / 3, abs=tolerance.get(rule, 1e-4))


def test_trapezoid_needs_both_ends() -> None:
    with pytest.raises(BadInput, match="needs two"):
        explain(rule="riemann_trapezoid", points="1")


def test_evaluations_count_the_points_and_both_ends() -> None:
    cost = IG.cost(IG.resolve({}), ARCHITECTURE, "input")
    assert (cost.evaluations, cost.backward) == (52, 50)
