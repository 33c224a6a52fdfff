from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.stages.summary import RESAMPLES, correctness, intervals, resamples, summarise

MAPS = np.random.default_rng(0).normal(size=(40, 4, 4))
EVERY = {"": np.ones(40, bool)}


def test_a_resample_has_as_many_images_as_there_are() -> None:
    drawn = resamples(40)
    assert drawn.shape == (RESAMPLES, 40)
    np.testing.assert_array_equal(drawn.sum(axis=1), 40)
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.08)
    # Each count is binomial: of 40 draws, with a chance of one in 40.
    assert drawn.var() == pytest.approx(1 - 1 / 40, rel=0.05)


def test_the_interval_is_scipys() -> None:
    values = np.random.default_rng(1).exponential(size=(40, 1))
    low, high = intervals(values)[:, 0]
    theirs = stats.bootstrap(
        (values[:, 0],), np.mean, method="percentile", n_resamples=5000, random_state=0
    ).confidence_interval
    np.testing.assert_allclose([low, high], theirs, atol=0.03)


def test_nan_is_no_value_and_one_value_has_no_interval() -> None:
    values = np.random.default_rng(1).normal(size=(40, 3))
    values[7:, 1] = np.nan
    values[1:, 2] = np.nan
    ends = intervals(values)
    alone = np.nanmean(values[:, 1])
    assert ends[0, 1] < alone < ends[1, 1]
    assert ends[1, 1] - ends[0, 1] > ends[1, 0] - ends[0, 0]
    assert np.isnan(ends[:, 2]).all()


def test_differences_are_paired() -> None:
    """All columns meet the same resamples: a constant difference has no spread."""
    values = np.random.default_rng(1).normal(size=(40, 1))
    ends = intervals(np.hstack([values, values + 1]))
    np.testing.assert_allclose(ends[:, 1] - ends[:, 0], 1, atol=1e-5)


def test_a_row_says_what_is_undefined_and_why() -> None:
    maps = MAPS.copy()
    maps[0], maps[1, 2, 2], maps[2] = 0, np.nan, 3.0
    values = np.arange(40.0)
    values[[0, 1, 5]] = np.nan
    (row,) = summarise({"deletion": values}, EVERY, maps)
    assert (row["n"], row["undefined"], row["statistic"]) == (37, 3, "mean")
    assert row["value"] == np.nanmean(values)
    assert row["zero_map_share"] == 2 / 40
    assert row["notes"] == "not finite: 1, zero or constant map: 1, undefined by the image: 1"


def test_correct_and_wrong_are_never_pooled() -> None:
    targets = np.array([0, 1] * 20)
    subsets = correctness(targets, np.zeros(40, int))
    rows = {row["subset"]: row for row in summarise({"deletion": targets * 1.0}, subsets, MAPS)}
    assert (rows["correct"]["value"], rows["wrong"]["value"]) == (0, 1)
    assert rows["correct"]["n"] == rows["wrong"]["n"] == 20
    assert not list(summarise({}, subsets, MAPS))
    (alone,) = summarise({"deletion": np.ones(40)}, correctness(targets, targets), MAPS)
    assert alone["subset"] == "correct"
    (none,) = summarise({"deletion": np.full(40, np.nan)}, EVERY, MAPS)
    assert none["value"] is None and none["undefined"] == 40
