from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from bench.subject import budgets
from bench.subject.request import Request
from implementations import libraries, methods
from implementations.architecture import registered
from implementations.architecture.graph import Architecture
from implementations.methods.shapley.kernel_shap import sampled

SIZES = ((28, 28, 1), (64, 64, 3))


@pytest.fixture(scope="module", params=SIZES)
def architecture(request: pytest.FixtureRequest) -> Architecture:
    return registered.get("cnn-gap", request.param, 6)


@pytest.mark.parametrize("name", budgets.AT)
def test_names_what_there_is_with_options_it_has(name: str, architecture: Architecture) -> None:
    library, dot, offer = name.rpartition(".")
    found = libraries.describe(library) if dot else None
    for each in budgets.spread(offer, budgets.BUDGETS, architecture, found):
        assert (found.method(each) if found else methods.load(each)).name.endswith(each)


@pytest.mark.parametrize("name", [name for name in budgets.AT if "." not in name])
@pytest.mark.parametrize("budget", budgets.BUDGETS)
def test_ours_spend_what_they_may(name: str, budget: int, architecture: Architecture) -> None:
    for each in budgets.spread(name, [budget], architecture):
        method = methods.load(each)
        spent = method.cost(method.resolve({}), architecture, "input").evaluations
        assert 0.45 * budget <= spent <= budgets.SLACK * budget


@pytest.mark.parametrize("budget", budgets.BUDGETS)
def test_a_regression_has_sets_enough_for_its_cells(
    budget: int, architecture: Architecture
) -> None:
    """At 64 evaluations 49 cells would be left open: the grid is smaller there."""
    (name,) = budgets.spread("kernel_shap", [budget], architecture)
    drawn = sampled(methods.load(name).resolve({}), architecture, "input", default_rng(0))
    assert np.isfinite(drawn["matrix"]).all()


def test_once_where_two_are_one_and_as_named_where_the_name_says() -> None:
    small = registered.get("cnn-gap", SIZES[0], 6)
    ask = budgets.spread
    assert ask("occlusion", (64, 65), small) == ["occlusion"], "its defaults are within"
    assert ask("rise[masks=500]", (64, 256), small) == ["rise[masks=500]"]
    assert ask("rise[keep=0.3]", (64,), small) == ["rise[keep=0.3,masks=64]"]
    assert ask("grad_cam", (64, 256), small) == ["grad_cam"]
    assert ask("lime", (), small) == ["lime"]
    assert not ask("occlusion", (4,), small), "the least that it does costs more"
    captum = libraries.describe("captum")
    assert ask("lime", (64,), small, captum) == ["lime[n_samples=64]"]


def test_unasked_a_request_has_none() -> None:
    assert Request().budgets == ()
