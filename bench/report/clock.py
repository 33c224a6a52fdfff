"""Times from rows: one estimate for each thing done, column and mode, over its processes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd

from bench.report.frame import Row, records
from bench.report.statistics import Estimate, estimate, middle

PLACE = ("dataset", "architecture", "device", "machine_id")
WHAT = (
    "task", "library", "method", "options", "score", "layer", "optimizer", "batch", "precision",
    "threads", "weights",
)  # fmt: skip
CELL = (*WHAT, "column", "mode")
READ = (
    *CELL, "stage", "run_id", "round", "status", "reason", "median_ms", "quick_ms", "compiler_s",
    "compile_s", "cache", "stable", "stale", "order", "varies", "like", "same_with", "difference",
)  # fmt: skip
"""The columns that are read here: a frame of all of them is slow to cut up."""
TASKS = ("forward", "train_step", "heatmap")


class Timing(NamedTuple):
    """What one column takes for one thing in one mode, for a batch: milliseconds and seconds.

    `estimate` is None where there is no time; `status` and `reason` say why. It is of what `quick`
    has by round: the mean of the faster half of a process' calls. `compiler_s` is what the compiler
    took to start, NaN in rows made before that was told apart from `compile_s`.
    """

    column: str
    mode: str
    what: dict[str, Any]
    estimate: Estimate | None
    compile_s: float
    status: str
    reason: str
    stale: bool
    quick: Mapping[int, float] = MappingProxyType({})
    compiler_s: float = math.nan

    @property
    def marks(self) -> str:
        """Signs for stale and unstable."""
        unstable = self.estimate is not None and not self.estimate.stable
        return (" †" if self.stale else "") + (" ~" if unstable else "")

    @property
    def before_calls_s(self) -> float:
        """Seconds that a process which compiles nothing else is at it before its first call."""
        return self.compile_s + (0.0 if math.isnan(self.compiler_s) else self.compiler_s)

    @property
    def per_image(self) -> Estimate:
        """The estimate for one image of the batch. Raises ValueError where there is no time."""
        if self.estimate is None:
            raise ValueError(f"{self.column} has no time for {self.what}: {self.reason}")
        return self.estimate.scaled(1 / max(self.what["batch"], 1))

    def over(self, other: Timing) -> float:
        """The time for an image over that of another timing of the same run, as both are printed.

        Raises ValueError where one has no time.
        """
        return self.per_image.value / other.per_image.value


def timings(rows: pd.DataFrame) -> list[Timing]:
    """Every timing of rows of the `time` stage. A cell that was wrong once has no time."""
    return [timing for timing, _ in timed(rows.loc[rows["stage"] == "time", list(READ)])]


def timed(rows: pd.DataFrame) -> Iterator[tuple[Timing, list[Row]]]:
    """Every timing of rows of the `time` stage, each with its rows in all their columns."""
    for key, mine in records(rows, CELL):
        yield _timing(key, mine), mine


def _timing(key: Row, rows: list[Row]) -> Timing:
    ok = [row for row in rows if row["status"] == "ok" and math.isfinite(row["median_ms"])]
    bad = [row for row in rows if row["status"] != "ok"]
    wrong = [row for row in bad if row["status"] == "wrong"]
    what = {name: key[name] for name in WHAT}
    stale = any(row["stale"] for row in rows)
    if wrong or not ok:
        why = wrong or bad or [{"status": "failed", "reason": "no time in the row"}]
        status, reason = str(why[-1]["status"]), str(why[-1]["reason"])
        return Timing(key["column"], key["mode"], what, None, math.nan, status, reason, stale)
    quick = {row["round"]: row["quick_ms"] for row in ok}
    found = estimate(list(quick.values()))
    quiet = not any(row["stable"] is False for row in ok)
    found = found._replace(stable=found.stable and quiet)
    cold = [row for row in ok if _alone(row)]
    compiler_s, compile_s = (middle(row[n] for row in cold) for n in ("compiler_s", "compile_s"))
    return Timing(
        key["column"], key["mode"], what, found, compile_s, "ok", "", stale, quick, compiler_s
    )


def _alone(row: Row) -> bool:
    """Whether a row's readying tells what it costs: from cold caches, no process beside it.

    Rows that do not tell of the compiler are older: their later rounds had one beside them.
    """
    return not row["round"] if math.isnan(row["compiler_s"]) else row["cache"] != "warm"


def rank(what: Mapping[str, Any]) -> tuple[Any, ...]:
    """What sorts things done: forward passes, training steps, then methods, libraries last."""
    return (place(what["task"], TASKS), *(what[name] for name in WHAT[1:]))


def place(name: str, order: Sequence[str]) -> int:
    """The place of a name in an order; of one that is not in it, the last."""
    return order.index(name) if name in order else len(order)
