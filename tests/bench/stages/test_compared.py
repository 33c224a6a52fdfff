"""Explainers compared: which are told apart, from controls too, and what a metric can support."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.record.schema import COLUMNS
from bench.stages.compared import OWN, rows

N = 60
CONTROLS = {"control.noise", "control.grey"}
LEVELS = {"good": 0.8, "fine": 0.6, "poor": 0.4, "control.grey": 0.2, "control.noise": 0.0}


def values(
    levels: dict[str, float], spread: float = 0.05, metric: str = "removal_gain", n: int = N
) -> dict[str, dict[str, Any]]:
    generator = np.random.default_rng(0)
    return {name: {metric: generator.normal(level, spread, n)} for name, level in levels.items()}


def found(of: Any, own: Any = None, correct: Any = None) -> list[dict[str, Any]]:
    correct = np.ones(N, bool) if correct is None else correct
    made = list(rows(of, own or {}, CONTROLS, correct))
    assert not set().union(*made) - set(COLUMNS)
    return made


def verdict(of: Any, correct: Any = None) -> tuple[bool, str | None]:
    (row,) = [row for row in found(of, correct=correct) if row["statistic"] == "verdict"]
    return row["apart"], row["notes"]


def test_letters_stand_best_first() -> None:
    made = {row["explainer"]: row["letters"] for row in found(values(LEVELS)) if "letters" in row}
    assert made == dict(zip(LEVELS, "abcde", strict=True))
    lower = values(LEVELS, metric="infidelity")
    made = {row["explainer"]: row["letters"] for row in found(lower) if "letters" in row}
    assert made == dict(zip(LEVELS, "edcba", strict=True))
    alike = values({**LEVELS, "fine": 0.8})
    made = {row["explainer"]: row["letters"] for row in found(alike) if "letters" in row}
    assert made["good"] == made["fine"] == "a" and made["poor"] == "b"


def test_differences_from_each_control_with_their_interval() -> None:
    of = values(LEVELS)
    own = {"good": {"removal_gain": of["good"]["removal_gain"] + 0.001}}
    made = {
        (row["explainer"], row["against"]): row
        for row in found(of, own)
        if row["statistic"] == "paired difference"
    }
    assert set(made) == {
        *((name, other) for name in ("good", "fine", "poor") for other in CONTROLS), ("good", OWN)
    }  # fmt: skip
    row = made["poor", "control.grey"]
    difference = of["poor"]["removal_gain"] - of["control.grey"]["removal_gain"]
    assert row["value"] == pytest.approx(difference.mean()) and row["apart"] and row["n"] == N
    assert row["ci_lo"] < row["value"] < row["ci_hi"]
    assert not made["good", OWN]["apart"], "what the input alone gives"


def test_a_metric_that_tells() -> None:
    assert verdict(values(LEVELS)) == (True, None)


def test_a_metric_on_which_a_control_is_as_good() -> None:
    assert verdict(values({**LEVELS, "control.grey": 0.8})) == (False, "does not discriminate here")
    assert verdict(values({**LEVELS, "control.grey": 1.0})) == (False, "does not discriminate here")


def test_a_metric_whose_order_is_chance() -> None:
    levels = {f"e{i}": 0.5 + i / 1e4 for i in range(8)} | {"control.noise": 0, "control.grey": 0}
    assert verdict(values(levels)) == (False, "order unstable")


def test_few_images_tell_nothing() -> None:
    correct = np.arange(N) < 29
    assert verdict(values(LEVELS), correct) == (False, "fewer than 30 images")


def test_road_that_pays_for_blur() -> None:
    of = values(LEVELS, metric="road")
    for name, gain in ((0.05, None), (0.3, "pays for blur")):
        for each in of.values():
            each["blur_gain"] = np.full(N, name)
        assert verdict(of) == (gain is None, gain)


def test_images_that_are_wrong_do_not_count() -> None:
    of = values(LEVELS)
    correct = np.arange(N) < 40
    for each in of.values():
        each["removal_gain"][40:] = np.nan_to_num(np.inf)
    assert verdict(of, correct) == (True, None)


def test_what_is_undefined_everywhere_is_left_out() -> None:
    of = values(LEVELS)
    of["fine"]["removal_gain"][:] = np.nan
    made = found(of)
    assert not any(row.get("explainer") == "fine" for row in made)
    assert not found({name: of[name] for name in CONTROLS}), "nothing to tell from them"


def test_metrics_that_support_no_finding_have_no_rows() -> None:
    assert not found(values(LEVELS, metric="average_drop") | values({}, metric="sparseness"))
