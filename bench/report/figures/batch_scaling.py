"""Milliseconds of a call over the batch, between the two bounds: launching and computing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from bench.report.canvas import colours, panels
from bench.report.files import stem
from bench.report.frame import named
from bench.report.measured import THING, fastest
from bench.report.same_run import Place, places
from bench.report.statistics import Estimate
from bench.report.tables.batch_scaling import Series, series

TITLE = "Batch scaling"
STAGES = ("time",)
Panel = tuple[str, list[Series]]


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`batch_scaling_<data set>_<architecture>`: a panel for each task, device and run."""
    by_network: dict[tuple[str, str], list[Panel]] = {}
    for place in places(frame):
        for panel in _panels(place):
            network = (place.key["dataset"], place.key["architecture"])
            by_network.setdefault(network, []).append(panel)
    for network, found in by_network.items():
        yield stem("batch_scaling", *network), _figure(", ".join(network), found)


def least_times(found: Sequence[Series]) -> Series:
    """One column's least time at each batch, in whichever of its modes."""
    cells = [cell for one in found for cell in one.cells]
    batches = sorted({cell.timing.what["batch"] for cell in cells})
    of_each = (fastest(c for c in cells if c.timing.what["batch"] == batch) for batch in batches)
    least = tuple(cell for cell in of_each if cell is not None)
    modes = ", ".join(dict.fromkeys(cell.timing.mode for cell in least))
    return Series(found[0].what, found[0].column, modes, least)


def bounds(found: Sequence[Series]) -> tuple[float, float]:
    """Milliseconds of the fastest call of all, and of the cheapest image in any of them."""
    fastest = min(estimate.value for one in found for _, estimate in _points(one))
    return fastest, min(t.per_image.value for one in found for t in one.timings)


def _panels(place: Place) -> Iterator[Panel]:
    by_task: dict[tuple[str, ...], dict[str, list[Series]]] = {}
    for one in series(place):
        task = tuple(str(one.what[name]) for name in (*THING, "precision", "threads"))
        by_task.setdefault(task, {}).setdefault(one.column, []).append(one)
    where = place.title.removeprefix(f"{place.key['dataset']}, {place.key['architecture']}, ")
    for columns in by_task.values():
        best = [least_times(modes) for modes in columns.values()]
        yield f"{named(best[0].what, ('precision', 'threads'))}, {where}", best


def _figure(network: str, found: list[Panel]) -> Any:
    figure, axes = panels(len(found), 5.2, 4.2, across=2)
    colour = colours([one.column for _, best in found for one in best])
    for axis, (title, best) in zip(axes, found, strict=True):
        batches = sorted({timing.what["batch"] for one in best for timing in one.timings})
        _bounds(axis, batches, *bounds(best))
        for one in best:
            _line(axis, one, colour[one.column])
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(batches, [str(batch) for batch in batches])
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("batch")
        axis.set_ylabel("ms per call")
        axis.legend(fontsize=7)
    figure.suptitle(f"{TITLE}: {network}, each column in its best mode at each batch")
    return figure


def _bounds(axis: Any, batches: Sequence[int], fastest: float, per_image: float) -> None:
    """The slope of 1 through the cheapest image, and the flat line of the fastest call."""
    ideal = [per_image * batch for batch in batches]
    axis.plot(batches, ideal, color="0.5", lw=1, ls="--", label="slope 1: the cheapest image")
    axis.axhline(fastest, color="0.5", lw=1, ls=":", label="flat: the fastest call")


def _line(axis: Any, one: Series, colour: Any) -> None:
    """Medians with their intervals; hollow where a sign says that one is not to be relied on."""
    points = _points(one)
    axis.plot([batch for batch, _ in points], [e.value for _, e in points], color=colour, lw=1.2,
              label=f"{one.column}, {one.mode}{one.marks}")  # fmt: skip
    for timing, (batch, estimate) in zip(one.timings, points, strict=True):
        ends = (estimate.value - estimate.low, estimate.high - estimate.value)
        bar = None if math.isnan(ends[0]) else [[max(end, 0.0)] for end in ends]
        fill = "white" if timing.marks else colour
        axis.errorbar([batch], [estimate.value], yerr=bar, color=colour, fmt="o", ms=4, mfc=fill,
                      capsize=2, lw=1)  # fmt: skip


def _points(one: Series) -> list[tuple[int, Estimate]]:
    return [(t.what["batch"], t.estimate) for t in one.timings if t.estimate is not None]
