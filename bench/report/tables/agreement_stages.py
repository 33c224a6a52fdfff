"""Where answers part on the way to a heatmap: images within the tolerance, stage by stage."""

from __future__ import annotations

import math

import pandas as pd

from bench.report.forms import LABEL, marks, number, share, strong, what
from bench.report.frame import Row, label, records
from bench.report.table import Shown, Table, View
from bench.report.tables.agreement import ORDER, PART, WIDE, error_of

STAGES = ("agree",)
USED = (
    "dataset", "architecture", "layer", "mode", "share_within", "n_images", "tolerance", "max_rel",
    "worst_image", "stale",
)  # fmt: skip
"""The columns that are read here beside those that tell cells apart."""
WANTED = 0.99
"""The share of images that float32 is asked to keep within the tolerance."""
NOTE = (
    "Share of images within the tolerance, of all cells together, and in brackets that of the "
    f"worst cell, where it is lower. Bold: below {WANTED:.0%} of all. What is above is listed "
    "with its kink and with how far rounding may carry it; it passes where one of these explains "
    "it. agreement_stages.csv names the worst cells."
)


def _explained(compared: str, *named: str) -> str:
    return f"{what(*named)}: {compared}"


def _cell(of_all: float, worst: float, stale: bool) -> str:
    lowest = f" ({share(worst)})" if worst < 1 else ""
    return strong(share(of_all) + lowest + marks(True, stale), of_all < WANTED)


SHOWN = (
    Shown("images within", _explained, ("compared", *LABEL)),
    Shown("tolerance", number, ("line_tolerance",)),
)
CELL = Shown("", _cell, ("share_within", "worst_share", "stale"))


def make(frame: pd.DataFrame) -> Table:
    """A line for each method and stage, columns across."""
    by = (*WIDE, "machine_id", "compared")
    judged = (frame["stage"] == "agree") & frame["share_within"].notna()
    rows = frame.loc[judged, [*by, *USED]]
    found = [{**key, **summary(mine)} for key, mine in records(rows, by)]
    found.sort(key=_rank)
    data = pd.DataFrame(found)
    shown = data[data["compared"].isin(ORDER)] if found else data
    if len(shown):
        lines = shown.groupby([*PART, "machine_id", *LABEL, "compared"])["tolerance"]
        shown = shown.assign(line_tolerance=lines.transform("max"))
    view = View((*PART, "machine_id"), SHOWN, "column", CELL, data=shown)
    return Table("agreement_stages", "Agreement stage by stage", data, [view], NOTE)


def _rank(line: Row) -> tuple[object, ...]:
    stage = ORDER.index(line["compared"]) if line["compared"] in ORDER else len(ORDER)
    return *(line[name] for name in (*PART, "machine_id")), label(line), stage, line["column"]


def summary(rows: list[Row]) -> Row:
    """Images of all cells together, and the cell with the lowest share of them within.

    Of several such the one with the largest error.
    """
    worst = min(rows, key=lambda row: (row["share_within"], -error_of(row)))
    images = sum(row["n_images"] for row in rows)
    within = math.fsum(row["share_within"] * row["n_images"] for row in rows)
    errors = (row["max_rel"] for row in rows if not math.isnan(row["max_rel"]))
    return {
        "cells": len(rows),
        "images": int(images),
        "tolerance": worst["tolerance"],
        "share_within": within / images,
        "worst_share": worst["share_within"],
        "worst_dataset": worst["dataset"],
        "worst_architecture": worst["architecture"],
        "worst_layer": worst["layer"],
        "worst_mode": worst["mode"],
        "worst_image": worst["worst_image"],
        "max_rel": max(errors, default=math.nan),
        "stale": any(row["stale"] for row in rows),
    }
