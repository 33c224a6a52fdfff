"""Milliseconds of a call over the batch, between the two bounds: launching and computing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report.canvas import colours, panels
from bench.report.files import stem
from bench.report.forms import marks, missing
from bench.report.frame import named
from bench.report.measured import THING
from bench.report.table import titled
from bench.report.tables.batch_scaling import make

TITLE = "Batch scaling"
STAGES = ("time",)
NETWORK = ["dataset", "architecture"]


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`batch_scaling_<data set>_<architecture>`: a panel for each task, device and run."""
    data = make(frame).data
    for key, mine in data.groupby(NETWORK) if len(data) else ():
        network = [str(part) for part in key]
        yield stem("batch_scaling", *network), _figure(", ".join(network), list(_panels(mine)))


def least(panel: pd.DataFrame) -> pd.DataFrame:
    """Each column's least time at each batch, in whichever of its modes."""
    ranked = panel.sort_values("ms_per_image", kind="stable")
    return ranked.drop_duplicates(["column", "batch"]).sort_values(["column", "batch"])


def _panels(data: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for place, mine in titled(data, ("device", "machine_id", "run_id")):
        for _, panel in mine.groupby([*THING, "precision", "threads"], sort=False):
            what = {str(name): value for name, value in panel.iloc[0].items()}
            yield f"{named(what, ('precision', 'threads'))}, {place}", least(panel)


def _figure(network: str, found: list[tuple[str, pd.DataFrame]]) -> Any:
    figure, axes = panels(len(found), 5.2, 4.2, across=2)
    colour = colours([column for _, panel in found for column in panel["column"]])
    for axis, (title, panel) in zip(axes, found, strict=True):
        batches = sorted(panel["batch"].unique())
        _bounds(axis, panel, batches)
        for column, line in panel.groupby("column"):
            _line(axis, str(column), line, colour[str(column)])
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(batches, [str(batch) for batch in batches])
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("batch")
        axis.set_ylabel("ms per call")
        axis.legend(fontsize=7)
    figure.suptitle(f"{TITLE}: {network}, each column in its best mode at each batch")
    return figure


def _bounds(axis: Any, panel: pd.DataFrame, batches: list[int]) -> None:
    """The slope of 1 through the cheapest image, and the flat line of the fastest call."""
    ideal = [panel["ms_per_image"].min() * batch for batch in batches]
    axis.plot(batches, ideal, color="0.5", lw=1, ls="--", label="slope 1: the cheapest image")
    axis.axhline(panel["ms"].min(), color="0.5", lw=1, ls=":", label="flat: the fastest call")


def _line(axis: Any, column: str, line: pd.DataFrame, colour: Any) -> None:
    """Times with their intervals; hollow where a sign says that one is not to be relied on."""
    signs = marks(line["stable"].all(), line["stale"].any())
    label = f"{column}, {', '.join(dict.fromkeys(line['mode']))}{signs}"
    axis.plot(line["batch"], line["ms"], color=colour, lw=1.2, label=label)
    for dot in line.to_dict("records"):
        ends = [[dot["ms"] - dot["ms_low"]], [dot["ms_high"] - dot["ms"]]]
        fill = "white" if marks(dot["stable"], dot["stale"]) else colour
        axis.errorbar([dot["batch"]], [dot["ms"]], yerr=None if missing(dot["ms_low"]) else ends,
                      color=colour, fmt="o", ms=4, mfc=fill, capsize=2, lw=1)  # fmt: skip
