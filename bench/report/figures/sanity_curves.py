"""What is left of each method's map as weights are drawn anew, from the logits down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report.charts import sheet
from bench.report.charts.contrast import curves
from bench.report.explainers import PLACE, REFERENCE
from bench.report.files import stem
from bench.report.frame import groups, place

TITLE = "When the weights are drawn anew"
STAGES = ("contrast",)
SHOWN = {
    "cascading_randomisation": "Spearman's ρ", "cascading_magnitude": "ρ of magnitudes",
    "cascading_ssim": "SSIM",
}  # fmt: skip


def lines(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the curves of our own methods, the newest of each place of each curve."""
    own = (frame["library"] == "") & (frame["column"] != REFERENCE)
    rows = frame[own & frame["metric"].isin(SHOWN) & frame["at"].notna() & frame["value"].notna()]
    return rows.drop_duplicates([*PLACE, "metric", "explainer", "at"], keep="last")


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`sanity_curves_<data set>_<architecture>...`: a panel for each likeness, a line a method."""
    machines = frame["machine_id"].nunique()
    for key, rows in groups(lines(frame), PLACE):
        named = list(map(str, key.values()))[: 4 if machines > 1 else 3]
        yield stem("sanity_curves", *named), _figure(f"{TITLE}: {place(key, machines)}", rows)


def _figure(title: str, rows: pd.DataFrame) -> dict[str, Any]:
    drawn = []
    for metric, name in SHOWN.items():
        mine = rows[rows["metric"] == metric].sort_values("at")
        if len(mine):
            told = mine.rename(columns={"ci_lo": "low", "ci_hi": "high"}).assign(curve=name)
            lines = told[["explainer", "curve", "at", "value", "low", "high"]].to_dict("records")
            drawn.append((name, curves(), lines))
    return sheet(title, drawn)
