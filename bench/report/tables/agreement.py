"""Agreement with the float64 oracle: images within the tolerance and the worst error."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from bench.report.forms import LABEL, marks, number, share, strong, text, what
from bench.report.frame import Row, groups, records
from bench.report.table import ABSENT, Shown, Table, View

STAGES = ("agree",)
ORDER = ("logits", "activations", "gradients", "weights", "signed", "heatmap", "upsampled")
MAPS = ("signed", "heatmap", "upsampled")
NETWORK = ("dataset", "architecture", "layer", "mode")
EXPLAINER = ("method", "library", "options", "score", "task")
PART = ("device", "precision", "weights")
WIDE = ("device", "precision", "weights", "column", *EXPLAINER)
NOTE = (
    "Error: the worst image's max |a - b| / max |reference signed map|, over every layer, mode, "
    "architecture and data set measured; agreement.csv has each layer apart. Images within the "
    "tolerance are counted over all of these, the maps as they are (signed) and as they are shown. "
    "A map that is zero everywhere agrees with nothing: the highest share of such maps is given."
)
BROKEN = ("wrong", "failed", "timeout", "oom")
USED = (
    "cell_id", "compared", "status", "reason", "agree", "stale", "nan_count", "n_images", "max_rel",
    "worst_image", "median_rel", "tolerance", "share_within", "pearson_min", "spearman_min",
    "topk_iou", "zero_map_share",
)  # fmt: skip


def _cell(worst: float, not_finite: int, within: float, passed: bool | None, stale: bool) -> str:
    if math.isnan(worst):
        return f"absent{marks(True, stale)}"
    error = "not finite" if not_finite else number(worst)
    if not not_finite and not math.isnan(within):
        error = f"{share(within)} ({error})"
    failed = passed is False
    return strong(error + (" ✗" if failed else "") + marks(True, stale), failed)


def _gate(passed: bool | None) -> str:
    return strong({True: "passed", False: "not passed", None: "none"}[passed], passed is False)


def _stage(name: str) -> str:
    return text(name) or ABSENT


METHOD = Shown("method", what, LABEL)
TOLERANCE = Shown("tolerance", number, ("tolerance",))
DETAILS = (
    METHOD,
    Shown("column", text, ("column",)),
    TOLERANCE,
    Shown("images within", share, ("share_of_all",)),
    Shown("of the worst cell", share, ("share_within",)),
    Shown("lowest Pearson", number, ("pearson_min",)),
    Shown("lowest Spearman", number, ("spearman_min",)),
    Shown("zero maps", share, ("zero_map_share",)),
    Shown("first stage out", _stage, ("first_out",)),
    Shown("gate", _gate, ("passed",)),
)
LEFT = (
    Shown("column", text, ("column",)),
    METHOD,
    Shown("cells", str, ("cells",)),
    Shown("status", text, ("status",)),
    Shown("reason", text, ("reason",)),
)
CELL = ("max_rel", "not_finite", "share_of_all", "passed", "stale")


def make(frame: pd.DataFrame) -> Table:
    """Each layer, mode and network apart in the CSV, all of them together for people."""
    by = (*WIDE, *NETWORK, "machine_id")
    rows = frame.loc[frame["stage"] == "agree", [*by, *USED]]
    data = pd.DataFrame([{**key, **summary(mine)} for key, mine in records(rows, by)])
    pooled = pd.DataFrame(
        [
            {**part, **key, **summary(found)}
            for part, mine in groups(rows, PART)
            if (mine["compared"] != "").any()
            for key, found in records(mine, (*EXPLAINER, "column"))
        ]
    )
    if len(pooled):
        pooled["passed"] = pooled["passed"].astype(object)
        lines = pooled.groupby([*PART, *EXPLAINER])["tolerance"]
        pooled["tolerance"] = lines.transform("max")
    left = rows[~rows["status"].isin(["ok", "wrong"])]
    skipped = pd.DataFrame(
        {**key, "cells": mine["cell_id"].nunique()}
        for key, mine in groups(left, ("column", *EXPLAINER, "status", "reason"))
    )
    views = [
        View(PART, (METHOD, TOLERANCE), "column", Shown("", _cell, CELL), data=pooled),
        View(PART, DETAILS, title="details", data=pooled),
        View((), LEFT, title="Not compared", data=skipped),
    ]
    return Table("agreement", "Agreement with the oracle", data, views, NOTE)


def summary(rows: list[Row]) -> Row:
    """The worst of rows. `passed` is None where no gate applies; NaN never passes."""
    measured = [row for row in rows if row["compared"]]
    shown = [row for row in measured if row["compared"] in MAPS] or measured
    failed = {row["compared"] for row in measured if row["agree"] is False}
    gates = [bool(row["agree"]) for row in measured if row["agree"] in (True, False)]
    not_finite = int(sum(row["nan_count"] for row in measured if row["nan_count"] > 0))
    if not_finite or any(row["status"] in BROKEN for row in rows):
        gates.append(False)
    return {
        "cells": len({row["cell_id"] for row in rows}),
        "images": _of(measured, "n_images", min),
        "max_rel": math.inf if not_finite else _of(shown, "max_rel", max),
        "worst_image": max(shown, key=error_of, default={}).get("worst_image", math.nan),
        "median_rel": _of(shown, "median_rel", max),
        "tolerance": _of(shown, "tolerance", max),
        "share_within": _of(shown, "share_within", min),
        "share_of_all": _pooled(shown),
        "pearson_min": _of(shown, "pearson_min", min),
        "spearman_min": _of(shown, "spearman_min", min),
        "topk_iou": _of(shown, "topk_iou", min),
        "zero_map_share": _of(shown, "zero_map_share", max),
        "not_finite": not_finite,
        "first_out": next((name for name in ORDER if name in failed), ""),
        "passed": all(gates) if gates else None,
        "stale": any(row["stale"] for row in rows),
        "reason": "; ".join(dict.fromkeys(row["reason"] for row in rows if row["reason"])),
    }


def error_of(row: Row) -> float:
    """The worst image's error of a row, by which rows can be ordered: NaN is least."""
    return -math.inf if math.isnan(row["max_rel"]) else float(row["max_rel"])


def _of(rows: list[Row], name: str, worst: Callable[[list[float]], float]) -> float:
    """The worst of the values that were measured; an infinite error counts, NaN is no value."""
    values = [row[name] for row in rows if not math.isnan(row[name])]
    return float(worst(values)) if values else math.nan


def _pooled(rows: list[Row]) -> float:
    """Images within the tolerance, of those of all rows together."""
    judged = [row for row in rows if not math.isnan(row["share_within"])]
    images = sum(row["n_images"] for row in judged)
    within = sum(row["share_within"] * row["n_images"] for row in judged)
    return float(within / images) if images else math.nan
