"""SHAP as published: how near every column's values are, and how nearly they add up."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.report.forms import COLUMN, number, said, text
from bench.report.frame import groups
from bench.report.table import Shown, Table, View

STAGES = ("shap",)
NOTE = (
    "SHAP's partition and permutation explainers on the five highest logits of the first four "
    "images that the network classifies correctly and of the first four that it does not. Error: "
    "max |a-b| / max |oracle's values| of the worst image and output, where the oracle is the same "
    "explainer on the float64 network. Gap: how far the values' sum is from the score less that of "
    "the masked image, relative to this difference, the mean over images and outputs."
)
SHOWN = (
    COLUMN,
    Shown("explainer", text, ("method",)),
    Shown("masker", text, ("masker",)),
    Shown("evaluations", number, ("evaluations",)),
    Shown("error", number, ("max_rel",)),
    Shown("agrees", said, ("agree",)),
    Shown("gap, correct", number, ("gap_correct",)),
    Shown("gap, wrong", number, ("gap_wrong",)),
    Shown("images", number, ("n_images",)),
)
KEY = ("dataset", "architecture", "device", "machine_id", "column", "method", "options")


def make(frame: pd.DataFrame) -> Table:
    """A line for each column, explainer and masker."""
    ok = frame[frame["status"] == "ok"]
    data = pd.DataFrame([_line(key, rows) for key, rows in groups(ok, KEY)])
    view = View(("dataset", "architecture", "device", "machine_id"), SHOWN)
    return Table("shap", "SHAP as published", data, [view], NOTE)


def _line(key: dict[str, Any], rows: pd.DataFrame) -> dict[str, Any]:
    options = dict(pair.split("=") for pair in str(key["options"]).split(", ") if "=" in pair)
    size = f"({options['kernel']},{options['kernel']})" if "kernel" in options else ""
    first = rows.iloc[0]
    compared = rows[rows["compared"] != ""]
    line = {
        **key, "masker": options.get("masker", "") + size, "max_rel": math.nan, "agree": None,
        "n_images": first["n_images"], "evaluations": first["evaluations"],
        "run_id": first["run_id"], "stale": bool(rows["stale"].any()),
    }  # fmt: skip
    if len(compared):
        line |= {name: compared.iloc[-1][name] for name in ("max_rel", "max_abs", "agree")}
    for row in rows[rows["metric"] != ""].to_dict("records"):
        line[f"gap_{row['subset']}"] = row["value"]
    return line
