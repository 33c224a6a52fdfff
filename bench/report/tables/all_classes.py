"""Grad-CAM of all classes in one call, beside that of one class."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.report import clock
from bench.report.files import Section, Table
from bench.report.measured import Measured
from bench.report.same_run import Place, places, ratio
from bench.report.text import ABSENT
from bench.report.wording import PAIRED, call, legend, times

TITLE = "Grad-CAM of all classes"
STAGES = ("time",)
ALL, ONE = "grad_cam_all_classes", "grad_cam"
Pair = tuple[Measured, Measured | None]
NOTE = (
    "Milliseconds per call: typical of the processes, with its interval. Ratio: all classes over "
    "one class in the same column, mode, layer and batch, in the same run. Counted: the same ratio "
    "of the floating-point operations of the two, which is what it would be if only they cost. "
    "Real: the intervals are disjoint and the factor exceeds 1.05. " + PAIRED
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`all_classes`, where all classes were timed; what has no single class beside it has no ratio.

    The number of classes is the network's and stands in no row: it is not told.
    """
    lines: list[dict[str, Any]] = []
    sections = []
    for place in places(frame):
        pairs = pairs_of(place)
        lines += [_line(place, *pair) for pair in pairs]
        if pairs:
            toggles = clock.varying([cell.timing.what for cell, _ in pairs])
            reasons: dict[str, int] = {}
            texts = [_text(place, *pair, toggles, reasons) for pair in pairs]
            notes = legend(texts, reasons)
            sections.append(Section(place.title, pd.DataFrame(texts), notes))
    if not lines:
        return []
    return [Table("all_classes", TITLE, pd.DataFrame(lines), sections, NOTE)]


def pairs_of(place: Place) -> list[Pair]:
    """All classes beside one class in the same column, mode, layer and batch, where there is it."""
    mine = place.deepest_first(cell for cell in place.cells if _ours(cell))
    return [(cell, place.like(cell.timing, method=ONE)) for cell in mine]


def _ours(cell: Measured) -> bool:
    return cell.timing.what["method"] == ALL and not cell.timing.what["library"]


def _compared(every: Measured, one: Measured | None) -> dict[str, Any]:
    """The ratio of times and of operations; nothing where one of the two has no time."""
    if one is None or one.timing.estimate is None or every.timing.estimate is None:
        return {}
    counted = every.beside["flops"] / one.beside["flops"] if one.beside["flops"] else math.nan
    line = {"one_class_ms": one.timing.estimate.value, "counted_ratio": counted}
    return line | ratio(every.timing, one.timing)


def _line(place: Place, every: Measured, one: Measured | None) -> dict[str, Any]:
    why = {"status": every.timing.status, "reason": every.timing.reason}
    return place.line(every.timing) | _compared(every, one) | why


def _text(
    place: Place, every: Measured, one: Measured | None, toggles: list[str],
    reasons: dict[str, int],
) -> dict[str, str]:  # fmt: skip
    found = _compared(every, one)
    return {
        **place.told(every.timing, toggles),
        "all classes, ms": call(every.timing, reasons),
        "one class, ms": call(one.timing if one else None, reasons),
        "ratio": times(found["ratio"]) if found else ABSENT,
        "real": ("yes" if found["real"] else "no") if found else ABSENT,
        "ratio of operations": times(found["counted_ratio"]) if found else ABSENT,
    }
