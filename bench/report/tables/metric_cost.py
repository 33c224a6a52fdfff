"""What scoring a map costs: evaluations of the judge's network, and the time that is not theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench.report.forms import COLUMN, number, share, text
from bench.report.frame import groups
from bench.report.table import Shown, Table, View

STAGES = ("judge",)
PLACE = ("dataset", "architecture", "device", "machine_id")
NOTE = (
    "Of each metric that evaluates the network for a map: how many images go through it for one "
    "that is scored, and its efficiency, the seconds of these evaluations alone over all that the "
    "metric took, of the explainer in the middle and of the one where it is least. What a metric "
    "evaluates once for all explainers is not in it. The least that the suite allows is 50 %."
)
SHOWN = (
    COLUMN,
    Shown("metric", text, ("metric",)),
    Shown("evaluations", number, ("evaluations",)),
    Shown("efficiency", share, ("efficiency",)),
    Shown("at the least", share, ("least",)),
    Shown("explainers", text, ("explainers",)),
)


def make(frame: pd.DataFrame) -> Table:
    """A line for each network and metric."""
    view = View(PLACE, SHOWN)
    return Table("metric_cost", "What metrics cost", pd.DataFrame(_lines(frame)), [view], NOTE)


def _lines(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    scored = frame[(frame["status"] == "ok") & np.isfinite(frame["efficiency"])]
    for key, rows in groups(scored, (*PLACE, "column", "metric")):
        found = rows["efficiency"].astype(float)
        yield {
            **key, "evaluations": float(rows["evaluations"].median()),
            "efficiency": float(found.median()), "least": float(found.min()),
            "explainers": int(rows["explainer"].nunique()), "run_id": rows.iloc[-1]["run_id"],
        }  # fmt: skip
