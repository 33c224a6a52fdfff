"""What holds over several trainings: the training is the unit, not the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.record.schema import COLUMNS
from bench.stages.seeded import DIFFERENCE, OVER, interval, labels, rows

CONTROLS = {"control.noise"}


def training(level: float, n: int = 8) -> dict[str, dict[str, Any]]:
    correct = (np.arange(n) % 4 > 0).astype(float)
    wrong = np.where(correct > 0, 0.0, 100.0)
    return {
        "good": {"removal_gain": level + wrong, "correct": correct},
        "control.noise": {"removal_gain": np.full(n, 0.1) - wrong, "correct": correct},
    }


def found(levels: list[float]) -> dict[tuple[str, str], dict[str, Any]]:
    made = list(rows([training(level) for level in levels], CONTROLS))
    assert not set().union(*made) - set(COLUMNS)
    assert {row["statistic"] for row in made} == {OVER, DIFFERENCE}
    return {(row["explainer"], row.get("against", "")): row for row in made}


def test_the_mean_of_trainings_means_of_what_each_classifies_correctly() -> None:
    levels = [0.5, 0.6, 0.4, 0.55, 0.45]
    made = found(levels)
    row = made["good", "control.noise"]
    low, high = stats.ttest_1samp(np.array(levels) - 0.1, 0).confidence_interval(0.95)
    assert (row["value"], row["n"], row["apart"]) == (pytest.approx(0.4), 5, True)
    assert (row["ci_lo"], row["ci_hi"]) == (pytest.approx(low), pytest.approx(high))
    assert made["good", ""]["value"] == pytest.approx(0.5), "wrong ones are never pooled"
    assert ("control.noise", "good") not in made and ("control.noise", "") in made


def test_fewer_than_five_trainings_have_no_interval_and_tell_nothing() -> None:
    row = found([0.5, 0.6, 0.4, 0.5])["good", "control.noise"]
    assert row["ci_lo"] is None and row["n"] == 4 and row["apart"] is False


def test_trainings_without_a_value_are_left_out() -> None:
    assert interval([float("nan")] * 5)["value"] is None
    assert interval([1.0, float("nan"), 3.0])["value"] == 2.0
    assert interval([0.1, -0.1, 0.2, -0.2, 0.0])["apart"] is False


def test_the_first_training_has_no_label() -> None:
    assert labels(1) == [] and labels(3) == ["seed 1", "seed 2"]
