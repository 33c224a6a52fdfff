"""Where answers part on the way to a heatmap: images within the tolerance, stage by stage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.report.clock import STALE
from bench.report.files import Section, Table
from bench.report.frame import Row, groups, label, records
from bench.report.tables.agreement import EXPLAINER, ORDER, WIDE
from bench.report.text import ABSENT, number, share

TITLE = "Agreement stage by stage"
STAGES = ("agree",)
USED = (
    "dataset", "architecture", "layer", "mode", "share_within", "n_images", "tolerance", "max_rel",
    "stale",
)  # fmt: skip
"""The columns that are read here beside those that tell cells apart."""
WANTED = 0.99
"""The share of images that float32 is asked to keep within the tolerance."""
NOTE = (
    "Share of images within the tolerance, of all cells together, and in brackets that of the "
    f"worst cell, where it is lower. **Bold**: below {WANTED:.0%} of all. What is above is listed "
    "with its kink and with how far rounding may carry it; it passes where one of these explains "
    "it. agreement_stages.csv names the worst cells."
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`agreement_stages`: a line for each method and stage, columns across."""
    by = (*WIDE, "machine_id", "compared")
    judged = (frame["stage"] == "agree") & frame["share_within"].notna()
    rows = frame.loc[judged, [*by, *USED]]
    found = [{**key, **summary(mine)} for key, mine in records(rows, by)]
    if not found:
        return []
    data = pd.DataFrame(found)
    sections = []
    machines = data["machine_id"].nunique()
    for key, mine in groups(data, ("device", "precision", "weights", "machine_id")):
        title = f"{key['device']}, {key['precision']}, {key['weights']} weights"
        title += f", machine {key['machine_id']}" if machines > 1 else ""
        notes = (STALE,) if mine["stale"].any() else ()
        sections.append(Section(title, _matrix(mine), notes))
    return [Table("agreement_stages", TITLE, data, sections, NOTE)]


def summary(rows: list[Row]) -> Row:
    """Images of all cells together, and the cell with the lowest share of them within."""
    worst = min(rows, key=lambda row: float(row["share_within"]))
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
        "max_rel": max(errors, default=math.nan),
        "stale": any(row["stale"] for row in rows),
    }


def _matrix(lines: pd.DataFrame) -> pd.DataFrame:
    columns = sorted(lines["column"].unique())
    texts = []
    explainers = sorted(groups(lines, EXPLAINER), key=lambda pair: label(pair[0]))
    for key, mine in explainers:
        for stage in ORDER:
            here = mine[mine["compared"] == stage]
            if len(here):
                cells = {str(line["column"]): _cell(line) for line in here.to_dict("records")}
                text = {"images within": f"{label(key)}: {stage}"}
                text["tolerance"] = number(float(here["tolerance"].max()))
                texts.append(text | dict.fromkeys(columns, ABSENT) | cells)
    return pd.DataFrame(texts)


def _cell(line: Mapping[Any, Any]) -> str:
    text = share(line["share_within"])
    text = f"**{text}**" if line["share_within"] < WANTED else text
    lowest = f" ({share(line['worst_share'])})" if line["worst_share"] < 1 else ""
    return text + lowest + (" †" if line["stale"] else "")
