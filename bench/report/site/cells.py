"""Every timed cell on a line: what it did, where, its time, and what stands beside it."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.report.best_modes import SAME
from bench.report.clock import CELL
from bench.report.forms import what
from bench.report.frame import groups
from bench.report.measured import Measured, fastest, started
from bench.report.same_run import Place, places
from bench.report.statistics import middle
from bench.report.tables.price_of_jit import EAGER, break_even

PER_IMAGE = ("ms_per_image", "low", "high")
TOLD = (
    "dataset", "architecture", "device", "machine_id", "run_id", "date", "what", "task", "method",
    "library", "like", "layer", "batch", "precision", "threads", "weights", "optimizer", "score",
    "column", "mode", *PER_IMAGE, "processes", "stable", "stale", "forward_ratio", "before_s",
    "break_even", "eager_ms", "memory_mb", "device_mb", "evaluations", "max_rel", "tolerance",
    "status", "reason",
)  # fmt: skip
"""The columns of a line."""


def cells(frame: pd.DataFrame) -> pd.DataFrame:
    """A line a cell, with NaN or an empty text for what was not measured or does not apply."""
    spent = _evaluations(frame[frame["stage"] == "time"])
    lines = [_line(place, cell, spent) for place in places(frame) for cell in place.cells]
    return pd.DataFrame(lines, columns=list(TOLD))


def _line(place: Place, cell: Measured, spent: dict[tuple[Any, ...], float]) -> dict[str, Any]:
    timing = cell.timing
    line = {**place.key, **timing.what, **cell.said, "date": day(cell.run_id)}
    line |= {"column": timing.column, "mode": timing.mode, "stale": timing.stale}
    line |= {
        "what": what(*(timing.what[n] for n in ("task", "method", "library", "options", "score")))
    }
    line |= {"status": timing.status, "reason": timing.reason}
    line["evaluations"] = spent.get(_key(cell.run_id, timing.what, line), math.nan)
    if timing.estimate is None:
        return line
    image = timing.per_image
    line |= dict(zip(PER_IMAGE, image[:3], strict=True))
    line |= {"processes": image.processes, "stable": image.stable}
    line |= {"before_s": timing.before_calls_s, "memory_mb": cell.beside["call_memory_mb"]}
    line |= {"device_mb": cell.beside["peak_device_mb"]}
    line |= {name: cell.beside[name] for name in ("max_rel", "tolerance")}
    eager = place.like(timing, mode=EAGER)
    if eager and eager.timing.estimate and timing.mode != EAGER:
        line["eager_ms"] = eager.timing.per_image.value
        before, after = eager.timing.estimate.value, timing.estimate.value
        line["break_even"] = break_even(timing.before_calls_s, before, after)
    if (forward := _forward(place, cell)) is not None:
        line["forward_ratio"] = timing.over(forward.timing)
    return line


def _forward(place: Place, cell: Measured) -> Measured | None:
    """The column's best forward pass of the same run, batch and toggles."""
    mine = cell.timing
    return fastest(
        other
        for other in place.cells
        if other.timing.what["task"] == "forward"
        and other.timing.column == mine.column
        and all(other.timing.what[name] == mine.what[name] for name in SAME)
    )


def _key(run: str, what: dict[str, Any], line: dict[str, Any]) -> tuple[Any, ...]:
    values = {**what, "column": line["column"], "mode": line["mode"]}
    return run, line["dataset"], line["architecture"], *(values[name] for name in CELL)


def _evaluations(rows: pd.DataFrame) -> dict[tuple[Any, ...], float]:
    by = ("run_id", "dataset", "architecture", *CELL)
    counted = rows[rows["evaluations"].notna()]
    return {tuple(key.values()): middle(mine["evaluations"]) for key, mine in groups(counted, by)}


def day(run_id: str) -> str:
    """The day on which a run began, `2026-11-28`; empty where its name does not tell."""
    told = "".join(started(run_id)[0])[:8]
    return f"{told[:4]}-{told[4:6]}-{told[6:]}" if told.isdigit() else ""
