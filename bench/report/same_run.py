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

from bench.report import clock
from bench.report.base import PRECISION, by_depth, layer_name
from bench.report.clock import Timing
from bench.report.frame import groups, place
from bench.report.measured import Measured, measured, standing
from bench.report.statistics import different
from implementations import libraries, methods
from implementations.contract import MODES
from implementations.errors import BadInput


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

    def layer(self, timing: Timing) -> str:
        """The name of the layer it was timed at; empty where what it does has none."""
        name = str(timing.what["layer"])
        if _at(timing.what["library"], timing.what["method"]) != "layer":
            return name
        return layer_name(self.key["architecture"], name)

    def deepest_first(self, cells: Iterable[Measured]) -> list[Measured]:
        """The cells by layer, then precision (the base's first), batch, column and mode."""
        found = list(cells)
        names = (cell.timing.what["layer"] for cell in found)
        layers = by_depth(self.key["architecture"], names)

        def rank(cell: Measured) -> tuple[Any, ...]:
            what = cell.timing.what
            place = (-layers.index(what["layer"]), what["precision"] != PRECISION)
            return *place, what["precision"], what["batch"], cell.timing.column, cell.timing.mode

        return sorted(found, key=rank)

    def line(self, timing: Timing) -> dict[str, Any]:
        """What a CSV tells of a timing: where, what, and the milliseconds of a call."""
        line = {**self.key, **timing.what, "layer": self.layer(timing)}
        line |= {"column": timing.column, "mode": timing.mode}
        if timing.estimate:
            ms = timing.estimate
            line |= {"ms": ms.value, "ms_low": ms.low, "ms_high": ms.high}
            line |= {"processes": ms.processes, "stable": ms.stable}
        return line | {"stale": timing.stale}

    def told(self, timing: Timing, toggles: Iterable[str]) -> dict[str, str]:
        """What a table for people tells of a timing: layer, batch, the toggles, column."""
        text = {"layer": self.layer(timing), "batch": str(timing.what["batch"])}
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
        if mine["task"] == "heatmap":
            mine["layer"] = layer_name(self.key["architecture"], mine["layer"])
        return tuple(mine[name] for name in clock.CELL)


def _at(library: str, method: str) -> str:
    """`layer` or `input`: where a heatmap lives; empty for what is none, or not known here."""
    try:
        found = libraries.describe(library).method(method) if library else methods.load(method)
    except BadInput:
        return ""
    return found.at


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
    return {
        "ratio": one.over(other),
        "real": different(mine, yours),
        "stable": mine.stable and yours.stable,
        "stale": one.stale or other.stale,
    }
