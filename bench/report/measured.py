"""Cells with their times and what was measured beside them, run by run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.report import clock
from bench.report.clock import CELL, Timing
from bench.report.frame import groups
from bench.report.statistics import middle

MEDIANS = (
    "flops",
    "peak_share",
    "cores_in_use",
    "call_memory_mb",
    "peak_device_mb",
    "tolerance",
    "evaluations",
    "pullbacks",
    "heads",
)
"""What is told beside a time, as the median over its processes."""
SAID = ("order", "varies", "like", "same_with", "difference")
"""What rows say of themselves beside what tells them apart."""
PRECISION = "float32"
BATCH = 64
THING = ("task", "library", "method", "options", "score")
_READ = (*clock.READ, *MEDIANS, "max_rel")


@dataclass(frozen=True, eq=False)
class Measured:
    """A cell's time, what was measured beside it, and what its rows say that it is of.

    `max_rel` is that of the worst process.
    """

    timing: Timing
    run_id: str
    beside: Mapping[str, float]
    said: Mapping[str, Any]

    @property
    def varies(self) -> set[str]:
        """The factors in which it differs from the base of its run's grid."""
        return set(filter(None, self.said["varies"].split(", ")))

    @property
    def apart(self) -> int:
        """How many of layer and precision set it apart from the base."""
        return len(self.varies & {"layer", "precision"})

    @property
    def order(self) -> int:
        """The position of its layer in the architecture, from 1; 0 where it reads none."""
        return int(self.said["order"])

    @property
    def batch(self) -> int:
        """Images of a call."""
        return int(self.timing.what["batch"])

    @property
    def thing(self) -> tuple[Any, ...]:
        """What tells what it did from other things, whatever its toggles."""
        return tuple(self.timing.what[name] for name in THING)


_KNOWN: dict[bytes, tuple[Measured, ...]] = {}
"""By their rows: every table asks for the same cells, and this is most of a report's time."""


def standing(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the runs of a place that have a cell which no newer one has: all rows of these.

    Times of two runs are never divided, so a run stands whole or not at all. One whose code has
    changed since counts as older than one whose has not, and so does one of a single process,
    whose times have no spread, beside one of several.
    """
    kept = [rows.iloc[:0]]
    for _, here in groups(rows, clock.PLACE):
        seen: set[tuple[Any, ...]] = set()
        for run in sorted((mine for _, mine in groups(here, ("run_id",))), key=_age, reverse=True):
            cells = _set(run)
            if not cells <= seen:
                kept.append(run)
            seen |= cells
    return pd.concat(kept).sort_index()


def _age(run: pd.DataFrame) -> tuple[Any, ...]:
    """What sorts runs of a place by how much they count."""
    spread = run["round"].nunique() > 1
    return not run["stale"].any(), spread, started(str(run["run_id"].iloc[0]))


def _set(rows: pd.DataFrame) -> set[tuple[Any, ...]]:
    return set(rows[list(CELL)].itertuples(index=False, name=None))


def started(run_id: str) -> tuple[list[str], str]:
    """What sorts runs by their beginning, which a run's name tells."""
    return run_id.split("-")[1:2], run_id


def measured(rows: pd.DataFrame) -> tuple[Measured, ...]:
    """The cells of one place and run."""
    rows = rows[list(_READ)]
    content = pd.util.hash_pandas_object(rows.astype(str), index=False).to_numpy().tobytes()
    if content not in _KNOWN:
        _KNOWN[content] = tuple(_cells(rows))
    return _KNOWN[content]


def things(cells: Iterable[Measured]) -> list[tuple[dict[str, Any], list[Measured]]]:
    """The cells by what was done: forward pass, training step, then methods, libraries last."""
    by_what: dict[tuple[Any, ...], list[Measured]] = {}
    for cell in cells:
        by_what.setdefault(tuple(cell.timing.what.values()), []).append(cell)
    found = ((mine[0].timing.what, mine) for mine in by_what.values())
    return sorted(found, key=lambda thing: clock.rank(thing[0]))


def plain(cells: Iterable[Measured]) -> list[Measured]:
    """The cells that a table for people shows of a grid: those at its base's layer and precision.

    Of something never measured there, those that the fewest of the two set apart from it.
    """
    mine = list(cells)
    fewest: dict[tuple[Any, ...], int] = {}
    for cell in mine:
        fewest[cell.thing] = min(cell.apart, fewest.get(cell.thing, cell.apart))
    return [cell for cell in mine if cell.apart == fewest[cell.thing]]


def one_batch(cells: Iterable[Measured]) -> list[Measured]:
    """One batch of each thing done, where forward passes of several were timed.

    That batch is 64, or else the most common one; what was not timed at it stays at its largest.
    """
    mine = list(cells)
    if len({cell.batch for cell in mine if cell.timing.what["task"] == "forward"}) < 2:
        return mine
    chosen = common_batch(mine)
    batches: dict[tuple[Any, ...], set[int]] = {}
    for cell in mine:
        batches.setdefault(cell.thing, set()).add(cell.batch)
    only = {thing: chosen if chosen in found else max(found) for thing, found in batches.items()}
    return [cell for cell in mine if cell.batch == only[cell.thing]]


def common_batch(cells: Iterable[Measured]) -> int:
    """64 where it is among them, or else the most common batch, of those the largest; 0 of none."""
    counts = Counter(cell.batch for cell in cells)
    if BATCH in counts:
        return BATCH
    return max(counts, key=lambda batch: (counts[batch], batch), default=0)


def fastest(cells: Iterable[Measured]) -> Measured | None:
    """The cell with the least time for an image, the first of equal ones; None without a time."""
    timed = (cell for cell in cells if cell.timing.estimate)
    return min(timed, key=lambda cell: cell.timing.per_image.value, default=None)


def _cells(rows: pd.DataFrame) -> Iterator[Measured]:
    for timing, mine in clock.timed(rows):
        ok = [row for row in mine if row["status"] == "ok"]
        beside = {name: middle(row[name] for row in ok) for name in MEDIANS}
        errors = (row["max_rel"] for row in mine if not math.isnan(row["max_rel"]))
        beside["max_rel"] = max(errors, default=math.nan)
        if timing.estimate:  # of the time that stands beside it, where the row has its median's
            work = middle(row["peak_share"] * row["median_ms"] for row in ok)
            beside["peak_share"] = work / timing.estimate.value
        said = {name: mine[0][name] for name in SAID}
        yield Measured(timing, str(mine[0]["run_id"]), beside, said)
