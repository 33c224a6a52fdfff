"""How alike every two explainers are: each pair for programs, the nearest for people."""

from __future__ import annotations

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
            for name in table.index:
                others = table.loc[name].drop(name).dropna()
                others = others.sort_values(ascending=False, kind="stable")
                for n, (other, value) in enumerate(others.items(), 1):
                    shown = f"alike, {n}" if n <= NEAREST else LEAST if n == len(others) else ""
                    yield {
                        **key, "metric": metric, "explainer": name, "other": str(other),
                        "value": float(value), "shown": shown, "stale": stale,
                    }  # fmt: skip
