"""How alike the heatmaps of separately trained networks are, and the noise floor beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bench.report.forms import LABEL, number, text, what
from bench.report.frame import groups
from bench.report.table import SIGNS, Shown, Table, View

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


def _heatmap(layer: str, optimizer: str, *named: str) -> str:
    return ", ".join(filter(None, (what(*named), text(layer), text(optimizer))))


def _cell(middle: float, low: float, high: float, pairs: int) -> str:
    return number(middle) + (f" ({number(low)}–{number(high)})" if pairs > 1 else "")


EXPLAINER = ("layer", "optimizer", *LABEL)
SHOWN = (
    Shown("heatmap", _heatmap, EXPLAINER),
    Shown("pairs", text, ("kind",)),
    Shown("of", str, ("pairs",)),
)


def make(frame: pd.DataFrame) -> Table:
    """Each pair in the CSV, kinds of pairs for people."""
    rows = frame[(frame["task"] == "likeness") & np.isfinite(frame["value"])]
    rows = rows[rows["stage"] == "train"]
    names = (*PLACE, *EXPLAINER, "metric", "value", "n", "stale")
    data = pd.DataFrame(
        {str(name): row[name] for name in names}
        | {"a": row["weights"], "b": row["against"], "kind": kind(row["weights"], row["against"])}
        for row in rows.to_dict("records")
    )
    by = (*PLACE, *EXPLAINER, "kind", "metric")
    pooled = pd.DataFrame(
        {**key, **_pooled(mine)} for key, mine in (groups(data, by) if len(data) else ())
    )
    view = View(
        PLACE, SHOWN, "metric", Shown("", _cell, ("middle", "low", "high", "pairs")), data=pooled,
        told=lambda mine: [SIGNS["†"]] if mine["stale"].any() else [],
    )  # fmt: skip
    return Table("training_likeness", TITLE, data, [view], NOTE)


def _pooled(rows: pd.DataFrame) -> dict[str, Any]:
    values = rows["value"]
    return {
        "pairs": len(values),
        "middle": values.median(),
        "low": values.min(),
        "high": values.max(),
        "stale": rows["stale"].any(),
    }
