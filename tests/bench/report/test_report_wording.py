from __future__ import annotations

import math
from typing import Any

import pytest

from bench.report import clock
from bench.report.wording import absent, call, legend, named, per_image, times


def timing(make: Any, medians: list[float], **values: Any) -> clock.Timing:
    (found,) = clock.timings(make.frame(make.times("jax", medians, **values)))
    return found


def test_named_tells_what_varies(make: Any) -> None:
    what = timing(make, [1.0], layer="relu1", threads=0).what
    assert named(what, ("layer", "batch", "threads")) == "grad_cam, relu1, batch 10"
    assert named(what, ()) == "grad_cam"


@pytest.mark.parametrize(
    ("factor", "real", "text"),
    [(1.8, True, "×1.80"), (0.5, False, "×0.500 ≈"), (123.4, True, "×123"), (math.nan, True, "–")],
)
def test_times(factor: float, real: bool, text: str) -> None:
    assert times(factor, real) == text


def test_call_and_per_image(make: Any) -> None:
    found = timing(make, [10.0, 10.0, 20.0], mode="compiled")
    assert call(found, {}) == "10.3 (10.0–20.0) compiled ~"
    assert per_image(found) == "1.03 (1.00–2.00) ~"
    assert call(None, {}) == "–"


def test_reasons_are_numbered_once(make: Any) -> None:
    (failed,) = clock.timings(make.frame([make.row("time", "jax", status="oom", reason="big")]))
    reasons: dict[str, int] = {}
    assert call(failed, reasons) == "*oom* (1) eager"
    assert absent("skipped", "no GPU", reasons) == "*skipped* (2)"
    assert absent("oom", "big", reasons) == "*oom* (1)"
    assert legend([], reasons) == ("- (1) oom: big", "- (2) skipped: no GPU")


def test_legend_explains_the_signs_that_are_used() -> None:
    assert legend([{"a": "1.00"}]) == ()
    notes = legend([{"a": "1.00 †"}, {"a": "×1.01 ≈", "b": "2.00 ~"}])
    assert [note[0] for note in notes] == ["†", "~", "≈"]
