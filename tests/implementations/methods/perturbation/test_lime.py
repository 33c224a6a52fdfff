"""LIME: the regression that scikit-learn fits, and what it finds in a linear network."""

from __future__ import annotations

import additive
import numpy as np
import pytest
from oracle_maps import explained
from sklearn.linear_model import Ridge

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.errors import BadInput
from implementations.oracle import runtime

LIME = methods.load("lime")
ARCHITECTURE = get("cnn-gap", (9, 12, 3), 4)
WEIGHTS = randomise(ARCHITECTURE, 1)
NETWORK = runtime.build(ARCHITECTURE, WEIGHTS)
GIVEN = {"grid": "3", "samples": "60", "width": "0.4", "alpha": "0.3"}


def fitted(network, **options: str) -> np.ndarray:
    found = explained("lime", network, additive.IMAGES, additive.TARGETS, **options)
    return found["heatmap"]


def test_the_ridge_regression_of_scikit_learn() -> None:
    members = np.random.Generator(np.random.PCG64(5)).integers(0, 2, (60, 9))
    members[0] = 1
    images = additive.painted(members, 3)[:, None, ..., None] * additive.IMAGES
    scores = np.stack([NETWORK(behind)[[0, 1], [3, 0]] for behind in images])
    weights = np.exp(-((1 - np.sqrt(members.sum(axis=1) / 9)) ** 2) / (2 * 0.4**2))
    values = Ridge(alpha=0.3).fit(members, scores, sample_weight=weights).coef_
    found = explained("lime", NETWORK, additive.IMAGES, additive.TARGETS, seed=5, **GIVEN)
    expected = additive.painted(values, 3)
    np.testing.assert_allclose(found["heatmap"], expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_matrix_makes_of_scores_what_the_regression_does(seed: int) -> None:
    """Frameworks multiply by it; the oracle solves the normal equations."""
    drawn = LIME.draws(LIME.resolve(GIVEN), ARCHITECTURE, "input", seed)
    # Rows add up to nothing but for the last places of what they add up: how is the machine's.
    off = np.abs(drawn["matrix"].sum(axis=1)) / np.abs(drawn["matrix"]).sum(axis=1)
    assert off.max() < 8 * np.finfo(float).eps
    scores = np.random.default_rng(3).standard_normal((60, 2))
    options = LIME.resolve(GIVEN)
    weights = LIME.module.weights(options, drawn["members"])
    model = Ridge(alpha=0.3).fit(drawn["members"], scores, sample_weight=weights)
    np.testing.assert_allclose(drawn["matrix"] @ scores, model.coef_.T, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(("grid", "fill"), [(3, 0.0), (7, 0.5), (9, 0.0)])
def test_without_a_ridge_a_linear_network_has_its_own_cells(grid: int, fill: float) -> None:
    given = {"grid": str(grid), "fill": str(fill), "samples": "400", "alpha": "0"}
    expected = additive.painted(additive.cell_values(grid, fill), grid)
    found = fitted(additive.NETWORK, **given)
    np.testing.assert_allclose(found, expected, atol=1e-12 * np.abs(expected).max())


def test_a_constant_added_to_the_scores_changes_nothing() -> None:
    shifted = {**WEIGHTS, "dense1.bias": WEIGHTS["dense1.bias"] + np.float32(100)}
    found = fitted(runtime.build(ARCHITECTURE, shifted), **GIVEN)
    np.testing.assert_allclose(found, fitted(NETWORK, **GIVEN), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"grid": "10"}, "grid=10 of lime: the image has 9 pixels a side"),
        ({"alpha": "0", "samples": "49"}, "samples=49 and alpha=0.0 of lime leave .* 49 cells"),
    ],
)
def test_bad_input_is_one_line(given: dict[str, str], line: str) -> None:
    with pytest.raises(BadInput, match=line) as raised:
        LIME.draws(LIME.resolve(given), ARCHITECTURE, "input", 0)
    assert "\n" not in str(raised.value)
