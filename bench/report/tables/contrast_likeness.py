"""How alike every two explainers are: each pair for programs, the nearest for people."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report.explainers import PLACE, likeness_metrics, matrix, places
from bench.report.forms import number, text
from bench.report.table import SIGNS, Shown, Table, View

STAGES = ("contrast", "judge")
NEAREST = 3
NOTE = (
    f"The {NEAREST} explainers whose heatmaps are most alike, and the one least alike; the CSV has "
    "every pair. Means over images where the metric is defined."
)
SHOWN = (Shown("explainer", text, ("explainer",)),)
LEAST = "least alike"


def _cell(other: str, value: float) -> str:
    return f"{other} {number(value)}"


def make(frame: pd.DataFrame) -> Table:
    """Each pair of explainers in the CSV; for people the nearest of each."""
    lines = list(_lines(frame))
    view = View(
        (*PLACE, "metric"), SHOWN, "shown", Shown("", _cell, ("other", "value")),
        data=pd.DataFrame(line for line in lines if line["shown"]),
        told=lambda mine: [SIGNS["†"]] if mine["stale"].any() else [],
    )  # fmt: skip
    pairs = [line for line in lines if line["explainer"] < line["other"]]
    data = pd.DataFrame(pairs).drop(columns="shown") if pairs else pd.DataFrame()
    return Table("contrast_likeness", "Likeness of explainers", data, [view], NOTE)


def _lines(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Each explainer with every other, the nearest first."""
    for key, explainers in places(frame):
        stale = any(explainer.stale for explainer in explainers)
        for metric in likeness_metrics(explainers):
            table = matrix(explainers, metric)
            for name, values in zip(table.index, table.to_numpy(), strict=True):
                there = [
                    (other, float(value))
                    for other, value in zip(table.columns, values, strict=True)
                    if other != name and not math.isnan(value)
                ]
                there.sort(key=lambda pair: -pair[1])
                for n, (other, value) in enumerate(there, 1):
                    shown = f"alike, {n}" if n <= NEAREST else LEAST if n == len(there) else ""
                    yield {
                        **key, "metric": metric, "explainer": name, "other": other,
                        "value": value, "shown": shown, "stale": stale,
                    }  # fmt: skip
