"""Milliseconds an image over the batch, between the two bounds: launching and computing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report.charts import sheet
from bench.report.charts.selection import batches
from bench.report.files import stem
from bench.report.forms import marks
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


def _figure(network: str, found: list[tuple[str, pd.DataFrame]]) -> dict[str, Any]:
    title = f"{TITLE}: {network}, each column in its best mode at each batch"
    return sheet(title, [(where, batches(), list(_rows(panel))) for where, panel in found])


def _rows(panel: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for dot in panel.to_dict("records"):
        told = {str(name): dot[name] for name in ("column", "mode", "batch", "ms_per_image")}
        ends = {name: dot[f"ms_{name}"] / dot["batch"] for name in ("low", "high")}
        yield {**told, **ends, "sure": not marks(dot["stable"], dot["stale"])}
