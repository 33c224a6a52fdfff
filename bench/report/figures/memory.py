"""Host and device memory of a call over the batch: what compiling keeps and what it fuses away."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report import base
from bench.report.canvas import colours, panels
from bench.report.files import stem
from bench.report.same_run import Place, places
from bench.report.tables.batch_scaling import series
from bench.report.tables.memory import SPOTS
from bench.report.wording import named

TITLE = "Memory"
STAGES = ("time",)
SHOWN = ("call_memory_mb", "peak_device_mb")
LINES = {"compiled": "-", "eager": ":"}
"""The modes that every column has, and how their lines are drawn."""
LINEAR_MB = 1.0
"""Up to here the axis is linear: a call may ask for nothing."""
Points = list[tuple[int, float]]
Panel = tuple[str, str, dict[tuple[str, str], Points]]


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`memory_<data set>_<architecture>`: a panel for each task, run and kind of memory."""
    by_network: dict[tuple[str, str], list[Panel]] = {}
    for place in places(frame):
        network = (place.key["dataset"], place.key["architecture"])
        by_network.setdefault(network, []).extend(_panels(place))
    for network, found in by_network.items():
        if found:
            yield stem("memory", *network), _figure(", ".join(network), found)


def _panels(place: Place) -> Iterator[Panel]:
    where = place.title.removeprefix(f"{place.key['dataset']}, {place.key['architecture']}, ")
    for spot in SHOWN:
        by_task: dict[tuple[str, ...], tuple[str, dict[tuple[str, str], Points]]] = {}
        for one in series(place):
            points = [(cell.timing.what["batch"], cell.beside[spot]) for cell in one.cells]
            points = [(batch, mb) for batch, mb in points if math.isfinite(mb)]
            if one.mode in LINES and points:
                task = tuple(str(one.what[name]) for name in (*base.THING, "precision", "threads"))
                title = f"{named(one.what, ('precision', 'threads'))}, {where}"
                by_task.setdefault(task, (title, {}))[1][one.column, one.mode] = points
        for title, lines in by_task.values():
            yield title, SPOTS[spot], lines


def _figure(network: str, found: list[Panel]) -> Any:
    figure, axes = panels(len(found), 5.2, 4.2, across=2)
    colour = colours([column for _, _, lines in found for column, _ in lines])
    for axis, (title, quantity, lines) in zip(axes, found, strict=True):
        for (column, mode), points in lines.items():
            axis.plot(*zip(*points, strict=True), color=colour[column], lw=1.2, ls=LINES[mode],
                      marker="o", ms=4, label=f"{column}, {mode}")  # fmt: skip
        batches = sorted({batch for points in lines.values() for batch, _ in points})
        axis.set_xscale("log", base=2)
        axis.set_xticks(batches, [str(batch) for batch in batches])
        axis.set_yscale("symlog", linthresh=LINEAR_MB)
        axis.set_ylim(bottom=0)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("batch")
        axis.set_ylabel(quantity)
        axis.legend(fontsize=7)
    figure.suptitle(f"{TITLE} that a call asks for: {network}")
    return figure
