"""Times that may be divided by each other: of one network, on one machine, in one run.

Milliseconds of two runs are never divided: the machine may have been another one in between. A run
all of whose cells were measured again does not count any longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from bench.record.schema import MODES
from bench.report import clock
from bench.report.clock import Timing
from bench.report.frame import groups, place
from bench.report.measured import PRECISION, Measured, measured, standing
from bench.report.statistics import different

RUN = (*clock.PLACE, "run_id")


@dataclass(frozen=True, eq=False)
class Place:
    """The cells of one data set, architecture, device, machine and run (`key`)."""

    key: dict[str, Any]
    title: str
    cells: tuple[Measured, ...]

    def like(self, timing: Timing, **changes: Any) -> Measured | None:
        """The timed cell that differs from another in these changes only."""
        return self._timed.get(self._identity(timing, changes))

    def modes(self, timing: Timing, **changes: Any) -> list[Measured]:
        """The timed cells like it, with these changes, in every mode there is."""
        found = [self.like(timing, **changes, mode=mode) for mode in MODES]
        return [cell for cell in found if cell is not None]

    def deepest_first(self, cells: Iterable[Measured]) -> list[Measured]:
        """The cells by layer, then precision (the base's first), batch, column and mode."""

        def rank(cell: Measured) -> tuple[Any, ...]:
            what = cell.timing.what
            place = (-cell.order, what["precision"] != PRECISION, what["precision"])
            return *place, what["batch"], cell.timing.column, cell.timing.mode

        return sorted(cells, key=rank)

    def line(self, timing: Timing) -> dict[str, Any]:
        """What a CSV tells of a timing: where, what, and the milliseconds of a call."""
        line = {**self.key, **timing.what}
        line |= {"column": timing.column, "mode": timing.mode}
        if timing.estimate:
            ms = timing.estimate
            line |= {"ms": ms.value, "ms_low": ms.low, "ms_high": ms.high}
            line |= {"ms_per_image": timing.per_image.value}
            line |= {"processes": ms.processes, "stable": ms.stable}
        why = {"status": timing.status, "reason": timing.reason}
        return line | {"stale": timing.stale} | why

    def told(self, timing: Timing, toggles: Iterable[str]) -> dict[str, str]:
        """What a table for people tells of a timing: layer, batch, the toggles, column."""
        text = {"layer": timing.what["layer"], "batch": str(timing.what["batch"])}
        if timing.what["precision"] != PRECISION:
            text["precision"] = timing.what["precision"]
        text |= {name: str(timing.what[name]) for name in toggles if name not in text}
        return text | {"column": timing.column}

    @cached_property
    def _timed(self) -> dict[tuple[Any, ...], Measured]:
        timed: dict[tuple[Any, ...], Measured] = {}
        for cell in self.cells:
            if cell.timing.estimate:
                timed.setdefault(self._identity(cell.timing, {}), cell)
        return timed

    def _identity(self, timing: Timing, changes: Mapping[str, Any]) -> tuple[Any, ...]:
        mine = {**timing.what, "column": timing.column, "mode": timing.mode, **changes}
        return tuple(mine[name] for name in clock.CELL)


def places(frame: pd.DataFrame) -> list[Place]:
    """Every place of the `time` stage's rows; the run is named where a place has several."""
    rows = standing(frame[frame["stage"] == "time"])
    machines = frame["machine_id"].nunique()
    found = []
    for where, here in groups(rows, clock.PLACE):
        several = here["run_id"].nunique() > 1
        for run, mine in groups(here, ("run_id",)):
            title = place(where, machines) + (f", {run['run_id']}" if several else "")
            found.append(Place({**where, **run}, title, measured(mine)))
    return found


def ratio(one: Timing, other: Timing) -> dict[str, Any]:
    """The time for an image of `one` over that of `other`, and whether the two differ at all."""
    mine, yours = one.per_image, other.per_image
    return {"ratio": one.over(other), "real": different(mine, yours)}
