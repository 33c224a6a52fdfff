"""How alike every two explainers are: the matrix for programs, the nearest for people."""

from __future__ import annotations

import pandas as pd

from bench.report.clock import STALE
from bench.report.explainers import likeness_metrics, matrix, places
from bench.report.files import Section, Table
from bench.report.frame import place
from bench.report.text import number

TITLE = "Likeness of explainers"
STAGES = ("contrast", "judge")
NEAREST = 3
NOTE = (
    f"The {NEAREST} explainers whose heatmaps are most alike, and the one least alike; "
    "contrast_likeness.csv has the whole matrix. Means over images where the metric is defined."
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`contrast_likeness`: the matrices of every place and metric, one beneath the other."""
    blocks, sections = [], []
    for key, explainers in places(frame):
        title = place(key, frame["machine_id"].nunique())
        notes = (STALE,) if any(e.stale for e in explainers) else ()
        for metric in likeness_metrics(explainers):
            table = matrix(explainers, metric)
            block = table.rename_axis("explainer").reset_index()
            for position, (name, value) in enumerate({**key, "metric": metric}.items()):
                block.insert(position, name, value)
            blocks.append(block)
            sections.append(Section(f"{title}: {metric}", _nearest(table), notes))
    if not blocks:
        return []
    data = pd.concat(blocks, ignore_index=True)
    return [Table("contrast_likeness", TITLE, data, sections, NOTE)]


def _nearest(table: pd.DataFrame) -> pd.DataFrame:
    texts = []
    for name in table.index:
        others = table.loc[name].drop(name).dropna().sort_values(ascending=False, kind="stable")
        named = [f"{other} {number(float(value))}" for other, value in others.items()]
        texts.append(
            {
                "explainer": name,
                "most alike": ", ".join(named[:NEAREST]),
                "least alike": named[-1] if len(named) > NEAREST else "",
            }
        )
    return pd.DataFrame(texts)
