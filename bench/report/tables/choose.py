"""The choosing table: frameworks across, what is done down, each in its best mode.

Milliseconds hold on the machine of the run only; the factors are what carries over. Of a grid of
times the table shows the base; the CSV has every line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.record.schema import DEVICES
from bench.report import clock
from bench.report.best_modes import forward_passes, lines_of
from bench.report.forms import EXPLAINED, TOGGLES, WHAT, marks, missing, number, spread, strong, yes
from bench.report.frame import groups
from bench.report.measured import Measured, measured, one_batch, plain, standing, things
from bench.report.statistics import geometric_mean
from bench.report.table import SIGNS, Absent, Shown, Table, View

STAGES = ("time",)
NOTE = (
    "Milliseconds of an image, in the best mode of each column: its interval, the factor to the "
    "best column, and the mode. Shown are our own methods at the deepest layer, in float32 and at "
    "one batch, where there is that; libraries, all classes and other batches have tables of their "
    "own. " + EXPLAINED
)
ELSEWHERE = "§"
OWN_TABLE = ("grad_cam_all_classes",)
LEADS = "The fastest on every line, or not told apart from it"


def _cell(
    ms: float, low: float, high: float, stable: Any, stale: Any, factor: float, differs: Any,
    mode: str, status: str, reason: str,
) -> str | Absent:  # fmt: skip
    if missing(ms):
        return Absent(status, reason)
    if missing(factor):
        return f"{spread(ms, low, high)} {ELSEWHERE} {mode}{marks(stable, stale)}"
    close = " ≈" if not yes(differs) and factor != 1 else ""
    shown = f"{spread(ms, low, high)} ×{number(factor)}{close} {mode}{marks(stable, stale)}"
    return strong(shown, factor == 1)


CELL = (
    "ms_per_image", "ms_low", "ms_high", "stable", "stale", "factor", "differs_from_best", "mode",
    "status", "reason",
)  # fmt: skip


def make(frame: pd.DataFrame) -> Table:
    """A section for each data set, architecture, device and machine."""
    data = pd.DataFrame(list(_lines(frame)))
    there = set(data["device"]) if len(data) else set(DEVICES)
    gone = [f"No run was made with `--device {name}`." for name in DEVICES if name not in there]
    view = View(
        clock.PLACE, (WHAT, *TOGGLES), "column", Shown("", _cell, CELL), told=_told,
        where=lambda data: data["shown"],
    )  # fmt: skip
    signs = {**SIGNS, "≈": SIGNS["≈"].replace("×1", "the best")}
    signs[ELSEWHERE] = f"{ELSEWHERE} timed in another run than the rest of its line: no factor."
    note = " ".join([NOTE, *gone])
    return Table("choose", "Choosing a framework", data, [view], note, signs)


def _lines(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """One line for each thing done and column, in one place after the other."""
    for key, rows in groups(standing(frame[frame["stage"] == "time"]), clock.PLACE):
        cells = [cell for _, mine in groups(rows, ("run_id",)) for cell in measured(mine)]
        passes = forward_passes(cells)
        shown = _shown(cells)
        for what, mine in things(cells):
            for line in lines_of(what, mine, passes):
                yield {**key, **line, "shown": not shown or what in shown}


def _shown(cells: list[Measured]) -> list[dict[str, Any]]:
    """What is shown of a grid; nothing where it has nothing of our own."""
    ours = [c for c in cells if not c.timing.what["library"]]
    ours = [c for c in ours if c.timing.what["method"] not in OWN_TABLE]
    return [cell.timing.what for cell in one_batch(plain(ours))]


def _told(data: pd.DataFrame) -> Iterator[str]:
    """Who leads on every line that any was timed for, and the geometric means of factors."""
    if "factor" not in data or data["factor"].isna().all():
        return
    table = data.pivot_table("factor", list(clock.WHAT), "column", "first", dropna=False)
    table = table.dropna(how="all").dropna(how="all", axis=1)
    if len(table.columns) < 2:
        return
    timed = data[data["factor"].notna()]
    first = (timed["factor"] == 1) | ~timed["differs_from_best"].astype(bool)
    counts = timed[first].groupby("column").size()
    leaders = sorted(counts.index[counts == len(table)])
    yield f"{LEADS}: {', '.join(leaders) or 'no column'}."
    shared = table.dropna()
    means = [f"{column} ×{number(geometric_mean(shared[column]))}" for column in shared]
    if len(shared):
        yield f"Geometric mean of the factors of {len(shared)} lines: {', '.join(means)}."
