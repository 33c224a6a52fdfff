"""Grad-CAM of all classes in one call, beside that of one class."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.report.forms import COLUMN, EXPLAINED, MODE, TOGGLES, answer, said, timed, times
from bench.report.measured import Measured
from bench.report.same_run import RUN, Place, places, ratio
from bench.report.table import Shown, Table, View

STAGES = ("time",)
ALL, ONE = "grad_cam_all_classes", "grad_cam"
NOTE = (
    "Milliseconds of a call. Ratio: all classes over one class in the same column, mode, layer and "
    "batch, in the same run. Operations: the same ratio of the floating-point operations counted, "
    "which is what it would be if only they cost. Real: the intervals are disjoint and the factor "
    "exceeds 1.05. " + EXPLAINED
)
ONE_CLASS = ("one_class_ms", "one_class_low", "one_class_high", "one_stable", "one_stale")
SHOWN = (
    *TOGGLES,
    COLUMN,
    MODE,
    Shown(
        "all classes, ms", answer,
        ("ms", "ms_low", "ms_high", "stable", "stale", "status", "reason"),
    ),
    Shown("one class, ms", timed, ONE_CLASS),
    Shown("ratio", times, ("ratio",)),
    Shown("real", said, ("real",)),
    Shown("operations", times, ("counted_ratio",)),
)  # fmt: skip


def make(frame: pd.DataFrame) -> Table:
    """What all classes took; what has no single class beside it has no ratio."""
    data = pd.DataFrame([line for place in places(frame) for line in _lines(place)])
    return Table("all_classes", "Grad-CAM of all classes", data, [View(RUN, SHOWN)], NOTE)


def _lines(place: Place) -> list[dict[str, Any]]:
    """All classes beside one class in the same column, mode, layer and batch, where there is it."""
    mine = [cell for cell in place.cells if _ours(cell)]
    return [
        place.line(cell.timing) | _beside(cell, place.like(cell.timing, method=ONE))
        for cell in place.deepest_first(mine)
    ]


def _ours(cell: Measured) -> bool:
    return cell.timing.what["method"] == ALL and not cell.timing.what["library"]


def _beside(every: Measured, one: Measured | None) -> dict[str, Any]:
    """The time of one class, and the ratios of times and of operations where both have a time."""
    if one is None or one.timing.estimate is None:
        return {}
    ms = one.timing.estimate
    line = dict(zip(ONE_CLASS, (ms.value, ms.low, ms.high, ms.stable), strict=False))
    line["one_stale"] = one.timing.stale
    if every.timing.estimate is None:
        return line
    flops = one.beside["flops"]
    line["counted_ratio"] = every.beside["flops"] / flops if flops else math.nan
    return line | ratio(every.timing, one.timing)
