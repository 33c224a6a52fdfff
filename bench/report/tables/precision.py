"""What a coarser precision does to each method's map, float32 beside it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.report.forms import LABEL, number, share, stale_text, text, what
from bench.report.frame import groups
from bench.report.table import Absent, Shown, Table, View

STAGES = ("precision",)
PLACE = ("dataset", "architecture", "device", "machine_id")
PLAIN = "float32"
WANTED = (("cpu", "bfloat16"), ("gpu", PLAIN), ("gpu", "tf32"), ("gpu", "bfloat16"))
FLIPS = "class_flips"
NOTE = (
    "Each map is held against the float64 oracle's, at the size of the images and of the oracle's "
    "class: what the precision does to the map, whatever it does to the class. Error: median over "
    "images, those of no empty map, of max |a - b| / max |oracle's map|; in float32: that of the "
    "same column in float32. "
    "Spearman and IoU of the top 10 %: medians too, 1 where nothing changes. Flips: share of "
    "images whose predicted class becomes another. "
)


def _error(value: float, status: str, reason: str) -> str | Absent:
    return number(value) if status == "ok" else Absent(status, reason)


SHOWN = (
    Shown("method", what, LABEL),
    Shown("column", stale_text, ("column", "stale")),
    Shown("error", _error, ("relative_error", "status", "reason")),
    Shown("in float32", number, (PLAIN,)),
    Shown("Spearman", number, ("spearman",)),
    Shown("top 10 %", number, ("topk_iou",)),
    Shown("flips", share, (FLIPS,)),
    Shown("images", text, ("images",), "{} images"),
)


def make(frame: pd.DataFrame) -> Table:
    """A line for each method, column and precision; people see float32 beside what is coarser."""
    rows = frame[frame["stage"] == "precision"]
    by = (*PLACE, *LABEL, "layer", "column", "precision")
    lines: list[dict[str, Any]] = []
    for key, mine in groups(rows, by) if len(rows) else ():
        found = mine[mine["metric"] != ""]
        values = dict(zip(found["metric"], found["value"], strict=True))
        images = int(found["n"].max()) if values else ""
        lines.append({
            **key, **values, "images": images, "status": mine["status"].iloc[0],
            "reason": mine["reason"].iloc[0], "stale": mine["stale"].any(),
        })  # fmt: skip
    order = {PLAIN: 0, "tf32": 1, "bfloat16": 2}
    lines.sort(key=lambda line: (*(str(line[n]) for n in (*PLACE, "method", "column")),
                                 order[line["precision"]]))  # fmt: skip
    there = {(line["device"], line["precision"]) for line in lines}
    absent = [f"{precision} on a {device.upper()}" for device, precision in WANTED
              if (device, precision) not in there]  # fmt: skip
    note = NOTE + (f"Not measured: {', '.join(absent)}." if absent else "")
    view = View((*PLACE, "precision"), SHOWN, data=_beside(lines, by[:-1]))
    return Table("precision", "Precision", pd.DataFrame(lines), [view], note)


def _beside(lines: list[dict[str, Any]], by: tuple[str, ...]) -> pd.DataFrame:
    """The lines of what is coarser, each with the error that float32 has."""

    def key(line: dict[str, Any]) -> tuple[str, ...]:
        return tuple(str(line[name]) for name in by)

    finer = [line for line in lines if line["precision"] == PLAIN]
    plain = {key(line): line.get("relative_error") for line in finer}
    coarse = [line for line in lines if line["precision"] != PLAIN]
    return pd.DataFrame([{**line, PLAIN: plain.get(key(line))} for line in coarse])
