"""What a coarser precision does to each method's map, float32 beside it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.report.forms import LABEL, marks, number, share, text, what
from bench.report.frame import groups
from bench.report.table import Shown, Table, View

STAGES = ("precision",)
PLACE = ("dataset", "architecture", "device", "machine_id")
WANTED = (("cpu", "bfloat16"), ("gpu", "tf32"), ("gpu", "bfloat16"))
FLIPS = "class_flips"
NOTE = (
    "Each map is held against the float64 oracle's, at the size of the images and of the oracle's "
    "class. Error: median over images of max |a - b| / max |oracle's map|. Spearman and IoU of the "
    "top 10 %: medians too. Flips: share of images whose predicted class becomes another. "
)


def _column(column: str, precision: str, stale: bool) -> str:
    return f"{column}, {precision}{marks(True, stale)}"


SHOWN = (
    Shown("method", what, LABEL),
    Shown("column, precision", _column, ("column", "precision", "stale")),
    Shown("error", number, ("relative_error",)),
    Shown("Spearman", number, ("spearman",)),
    Shown("top 10 %", number, ("topk_iou",)),
    Shown("flips", share, (FLIPS,)),
    Shown("images", text, ("images",)),
)


def make(frame: pd.DataFrame) -> Table:
    """A line for each method, column and precision, worst precision last."""
    rows = frame[(frame["stage"] == "precision") & (frame["metric"] != "")]
    by = (*PLACE, *LABEL, "layer", "column", "precision")
    lines: list[dict[str, Any]] = []
    for key, mine in groups(rows, by) if len(rows) else ():
        found = dict(zip(mine["metric"], mine["value"], strict=True))
        lines.append({**key, **found, "images": int(mine["n"].max()), "stale": mine["stale"].any()})
    order = {"float32": 0, "tf32": 1, "bfloat16": 2}
    lines.sort(key=lambda line: (*(str(line[n]) for n in (*PLACE, "method", "column")),
                                 order[line["precision"]]))  # fmt: skip
    there = {(line["device"], line["precision"]) for line in lines}
    absent = [f"{precision} on a {device.upper()}" for device, precision in WANTED
              if (device, precision) not in there]  # fmt: skip
    note = NOTE + (f"Not measured: {', '.join(absent)}." if absent else "")
    return Table("precision", "Precision", pd.DataFrame(lines), [View(PLACE, SHOWN)], note)
