"""How alike the heatmaps of separately trained networks are, and the noise floor beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bench.report.clock import STALE
from bench.report.files import Section, Table
from bench.report.frame import groups, label, place
from bench.report.text import number

TITLE = "Likeness of heatmaps after training apart"
STAGES = ("train",)
PLACE = ("dataset", "architecture", "device", "machine_id")
OTHER_SEED = "same column, other seed (noise floor)"
OTHER_COLUMN = "other column, same seed"
OTHER_BOTH = "other column, other seed"
NOTE = (
    "Medians over images, then over pairs with the range in brackets. Frameworks differ in earnest "
    "only where maps of another column are less alike than those of another seed."
)


def kind(a: str, b: str) -> str:
    """What tells two labels like `jax seed 0` from each other."""
    one, other = (text.rsplit(" seed ", 1) for text in (a, b))
    if one[0] == other[0]:
        return OTHER_SEED
    return OTHER_COLUMN if one[1:] == other[1:] else OTHER_BOTH


def make(frame: pd.DataFrame) -> list[Table]:
    """`training_likeness`: each pair in the CSV, kinds of pairs in the Markdown."""
    rows = frame[(frame["task"] == "likeness") & np.isfinite(frame["value"])]
    rows = rows[rows["stage"] == "train"]
    names = (*PLACE, "method", "library", "options", "score", "task", "layer", "optimizer")
    lines: list[dict[str, Any]] = []
    for row in rows.to_dict("records"):
        found = {
            "a": row["weights"],
            "b": row["against"],
            "kind": kind(row["weights"], row["against"]),
        }
        kept = {str(n): row[n] for n in (*names, "metric", "value", "n", "stale")}
        lines.append(kept | found)
    if not lines:
        return []
    data = pd.DataFrame(lines)
    sections = []
    for key, mine in groups(data, PLACE):
        notes = (STALE,) if mine["stale"].any() else ()
        title = place(key, frame["machine_id"].nunique())
        sections.append(Section(title, _texts(mine), notes))
    return [Table("training_likeness", TITLE, data, sections, NOTE)]


def _texts(rows: pd.DataFrame) -> pd.DataFrame:
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    explainer = ("method", "library", "options", "score", "task", "layer", "optimizer")
    for key, mine in groups(rows, (*explainer, "kind", "metric")):
        name = ", ".join(text for text in (label(key), key["layer"], key["optimizer"]) if text)
        line = lines.setdefault((name, key["kind"]), {"heatmap": name, "pairs": key["kind"]})
        values = mine["value"]
        spread = f" ({number(values.min())}–{number(values.max())})" if len(values) > 1 else ""
        line["of"] = str(len(values))
        line[key["metric"]] = f"{number(values.median())}{spread}"
    return pd.DataFrame(list(lines.values())).fillna("–")
