"""What is told apart: against SciPy, the family's level, letters that say just that."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.stages.apart import AT_ONCE, compare, letters, reliability


def nothing(a: Any, b: Any) -> Any:
    return np.zeros_like(a)


def every(count: int) -> list[tuple[int, int]]:
    return list(itertools.combinations(range(count), 2))


def test_of_one_pair_it_is_the_paired_test() -> None:
    values = np.random.default_rng(0).normal(size=(60, 2))
    values[:, 1] += 3 * values[:, 0]
    for shift in np.linspace(0.5, 1.3, 9):
        moved = values + np.array([shift, 0])
        found = compare(moved, [(0, 1)], nothing)
        t = stats.ttest_rel(*moved.T)
        assert found.difference == pytest.approx((moved[:, 0] - moved[:, 1]).mean())
        if abs(t.pvalue - 0.05) > 0.02:
            assert found.apart[0] == (t.pvalue < 0.05)
        low, high = t.confidence_interval()
        np.testing.assert_allclose([found.low[0], found.high[0]], [low, high], atol=0.12)


def test_pairing_tells_apart_what_their_own_spread_would_hide() -> None:
    shared = np.random.default_rng(0).normal(scale=5, size=(40, 1))
    noise = np.random.default_rng(1).normal(scale=0.1, size=(40, 2))
    found = compare(shared + noise + np.array([0.3, 0]), [(0, 1), (1, 0)], nothing)
    assert found.apart.all() and found.difference[0] == -found.difference[1]


def test_the_family_is_held_at_its_level() -> None:
    """Of explainers that do not differ, all pairs together err in about one family of twenty."""
    wrong = 0
    for seed in range(120):
        values = np.random.default_rng(seed).normal(size=(40, 6))
        wrong += bool(compare(values, every(6), nothing).apart.any())
    assert wrong <= stats.binom.ppf(0.999, 120, 0.08)


def test_what_does_not_matter_is_not_told_apart() -> None:
    values = np.random.default_rng(0).normal(scale=1e-4, size=(50, 2)) + np.array([0.505, 0.5])
    assert compare(values, [(0, 1)], nothing).apart[0]
    assert not compare(values, [(0, 1)], lambda a, b: np.full_like(a, 0.01)).apart[0]
    seen: list[Any] = []
    compare(values, [(0, 1)], lambda a, b: (seen.extend([a[0], b[0]]), np.zeros_like(a))[1])
    np.testing.assert_allclose(seen, values.mean(axis=0))


def test_only_images_defined_for_both_count() -> None:
    values = np.random.default_rng(0).normal(size=(30, 3)) + np.array([1, 0, 0])
    values[:10, 0] = np.nan
    values[25:, 1] = np.nan
    values[1:, 2] = np.nan
    found = compare(values, [(0, 1), (0, 2), (1, 2)], nothing)
    assert found.n.tolist() == [15, 0, 1]
    assert found.difference[0] == pytest.approx((values[10:25, 0] - values[10:25, 1]).mean())
    assert np.isnan(found.difference[1]) and np.isnan(found.low[2]) and not found.apart[1:].any()


def test_equal_columns_and_constant_differences() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=(20, 1)), 3, axis=1) + np.array(
        [0, 0, 0.5]
    )
    found = compare(values, [(0, 1), (0, 2)], nothing)
    assert found.apart.tolist() == [False, True]
    np.testing.assert_allclose([found.low[1], found.high[1]], -0.5)


def test_a_pair_that_differs_in_one_image_spoils_no_other() -> None:
    values = np.zeros((40, 3))
    values[3, 1] = 1
    values[:, 2] = np.random.default_rng(0).normal(2, 0.5, 40)
    assert compare(values, every(3), nothing).apart.tolist() == [False, True, True]


def test_many_pairs_are_one_family() -> None:
    values = np.random.default_rng(0).normal(size=(30, 25))
    values[:, 0] += 5
    pairs = every(25)
    assert len(pairs) > AT_ONCE
    found = compare(values, pairs, nothing)
    assert found.apart[:24].all() and found.apart[24:].sum() <= 2


@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.integers(0, 7))
def test_two_share_a_letter_just_where_they_are_not_told_apart(data: Any, count: int) -> None:
    names = [f"n{i}" for i in range(count)]
    pairs = list(itertools.combinations(names, 2))
    chosen = {frozenset(p) for p in pairs if data.draw(st.booleans())}
    found = letters(names, lambda a, b: frozenset((a, b)) in chosen)
    assert list(found) == names and all(found.values())
    for a, b in pairs:
        shared = set(found[a].split()) & set(found[b].split())
        assert bool(shared) != (frozenset((a, b)) in chosen)
    assert not names or found[names[0]].startswith("a")


def test_letters_of_a_chain() -> None:
    """Neighbours are alike, the ends are not."""
    found = letters("pqr", lambda a, b: {a, b} == {"p", "r"})
    assert found == {"p": "a", "q": "a b", "r": "b"}
    apart = letters([str(n) for n in range(28)], lambda a, b: True)
    assert list(apart.values())[24:] == ["y", "z", "aa", "ab"]


def test_an_order_that_holds_and_one_of_chance() -> None:
    noise = np.random.default_rng(0).normal(size=(40, 8))
    assert reliability(noise * 0.01 + np.arange(8)) == 1
    assert abs(reliability(noise)) < 0.6
    assert reliability(noise * 3 + np.arange(8)) < 1
    assert np.isnan(reliability(noise[:, :2])) and np.isnan(reliability(noise[:3]))
