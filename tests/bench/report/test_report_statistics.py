from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.statistics import (
    FAR,
    MISSED,
    Estimate,
    different,
    estimate,
    factor,
    geometric_mean,
    left_out,
    middle,
    quick,
    typical,
)

positive = st.floats(1e-6, 1e6)


def test_the_faster_half_tells_what_a_call_takes_undisturbed() -> None:
    assert quick([3.0]) == 3.0 and quick([9.0, 1.0, 2.0]) == 1.5
    noise = np.random.default_rng(0)
    calls = 10 + noise.exponential(2.0, 1000) * (noise.random(1000) < 0.3)
    assert quick(list(calls)) == pytest.approx(10.0)  # what disturbs three in ten is not in it
    with pytest.raises(ValueError, match="needs a sample"):
        quick([])


def test_one_process_has_no_interval_and_differs_from_nothing() -> None:
    one = estimate([2.0])
    assert one.value == 2.0
    assert math.isnan(one.low)
    assert math.isnan(one.high)
    assert not different(one, estimate([200.0, 200.0]))


def test_equal_processes_have_an_interval_of_no_width() -> None:
    assert estimate([3.0] * 5) == Estimate(3.0, 3.0, 3.0, 5, True)


@pytest.mark.parametrize(("processes", "chance"), [(3, 1 / 10), (5, 1 / 126)])
def test_intervals_of_few_processes_are_ranges_and_how_often_these_mislead(
    processes: int, chance: float
) -> None:
    values = list(range(1, 2 * processes + 1))  # ranks: of equal cells every order is as likely
    apart = total = 0
    for mine in combinations(values, processes):
        one = estimate([float(v) for v in mine])
        assert (one.low, one.high) == (min(mine), max(mine))
        other = [v for v in values if v not in mine]
        total += 1
        apart += max(mine) < min(other) or max(other) < min(mine)
    assert apart / total == pytest.approx(chance)


def test_interval_of_two_processes_is_their_range() -> None:
    found = estimate([1.0, 3.0])
    assert (found.value, found.low, found.high) == (pytest.approx(3**0.5), 1.0, 3.0)


@pytest.mark.parametrize("n", [1, 2, 5, 8, 9, 15, 40])
def test_the_interval_leaves_out_what_the_binomial_distribution_allows(n: int) -> None:
    from scipy.stats import binom

    assert binom.cdf(left_out(n), n, 0.5) <= MISSED or left_out(n) == 0
    assert binom.cdf(left_out(n) + 1, n, 0.5) > MISSED
    assert left_out(n) == 0 or n > 8


def test_interval_covers_the_median_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        found = estimate(list(generator.normal(5, 0.1, 15)))
        hits += found.low <= 5 <= found.high
    assert 0.88 <= hits / 200 <= 1


@pytest.mark.parametrize(("other", "stable"), [(1.099, True), (1.11, False)])
def test_stable_up_to_a_spread_of_ten_percent(other: float, stable: bool) -> None:
    assert estimate([1.0, 1.0, other]).stable is stable


def test_more_processes_make_a_median_stable_though_their_range_grows() -> None:
    scattered = [0.93, 0.99, 1.0, 1.0, 1.0, 1.0, 1.0, 1.01, 1.12]
    assert not estimate(scattered[:1] + scattered[-1:]).stable
    found = estimate(scattered)
    assert found.stable and (found.low, found.high) == (0.99, 1.01)


@pytest.mark.parametrize("values", [[], [math.nan], [1.0, math.inf]])
def test_what_is_not_finite_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        estimate(values)


@given(st.lists(positive, min_size=2, max_size=9))
def test_estimate_lies_in_its_interval_within_the_values(values: list[float]) -> None:
    found = estimate(values)
    assert min(values) <= found.low <= found.high <= max(values)
    assert found.low <= found.value <= found.high
    assert estimate(values) == found


def test_different_needs_disjoint_intervals_and_a_factor() -> None:
    base = Estimate(100.0, 99.0, 101.0, 5, True)
    assert different(base, Estimate(110.0, 109.0, 111.0, 5, True))
    assert not different(base, Estimate(110.0, 100.5, 120.0, 5, True))  # intervals overlap
    assert not different(base, Estimate(104.0, 103.0, 105.0, 5, True))  # factor too small
    assert not different(base, Estimate(101.0, 101.0, 120.0, 5, True))  # they touch


@given(positive, positive, positive)
def test_different_is_symmetric_and_blind_to_the_unit(a: float, b: float, unit: float) -> None:
    one, other = (Estimate(v, v * 0.99, v * 1.01, 5, True) for v in (a, b))
    assert different(one, other) == different(other, one)
    assert not different(one, one)
    assert factor(a, b) == factor(b, a) >= 1
    assert one.scaled(unit).value == a * unit


def test_geometric_mean_of_closed_forms() -> None:
    assert geometric_mean([1, 100]) == pytest.approx(10)
    assert geometric_mean([2, 4, 8]) == pytest.approx(4)
    assert math.isnan(geometric_mean([]))


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20))
def test_geometric_mean_of_inverses_is_the_inverse(values: list[float]) -> None:
    mean = geometric_mean(values)
    assert min(values) * 0.999999 <= mean <= max(values) * 1.000001
    assert geometric_mean(1 / v for v in values) == pytest.approx(1 / mean)


def test_middle_leaves_out_what_is_not_finite() -> None:
    assert middle([1.0, math.nan, 3.0, math.inf]) == 2.0
    assert math.isnan(middle([math.nan]))


@given(st.lists(st.floats(0.96, 1.04), min_size=1, max_size=7))
def test_values_close_to_each_other_speak_for_their_geometric_mean(ratios: list[float]) -> None:
    assert typical(ratios) == pytest.approx(geometric_mean(ratios))


@given(st.lists(positive, min_size=1, max_size=7))
def test_a_typical_turned_round_is_its_inverse(ratios: list[float]) -> None:
    turned = typical(1 / ratio for ratio in ratios)
    assert typical(ratios) == pytest.approx(1 / turned)


def test_one_process_that_went_wrong_moves_what_is_typical_little() -> None:
    assert typical([3, 3, 300]) == pytest.approx(3 * (1 + FAR) ** (1 / 3))
    with pytest.raises(ValueError, match="needs a value"):
        typical([])
