"""Precision, recall and F1 of every class, from the confusion matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report.curves import PLACE, Curve, curves
from bench.report.forms import marks
from bench.report.table import ABSENT, Shown, Table, View

STAGES = ("train",)
NOTE = (
    "Precision / recall / F1 on the test images, the seeds' predictions pooled. A dash: no image "
    "was put in the class, or none belongs to it."
)
Matrix = NDArray[np.int64]


def per_class(confusion: Matrix) -> dict[str, NDArray[np.float64]]:
    """Precision, recall and F1 (K,) of a confusion matrix (K true, K predicted); NaN for 0 / 0."""
    hits = np.diag(confusion).astype(np.float64)
    predicted, true = confusion.sum(axis=0), confusion.sum(axis=1)
    nothing = np.full(len(hits), np.nan)
    return {
        "precision": np.divide(hits, predicted, out=nothing.copy(), where=predicted > 0),
        "recall": np.divide(hits, true, out=nothing.copy(), where=true > 0),
        "f1": np.divide(2 * hits, predicted + true, out=nothing.copy(), where=predicted + true > 0),
    }


def pooled(frame: pd.DataFrame) -> dict[tuple[Any, ...], tuple[Matrix, bool]]:
    """Confusion matrices summed over seeds, and whether one is stale.

    By data set, architecture, device, machine, optimizer, column. Trainings cut short are left out.
    """
    found: dict[tuple[Any, ...], tuple[Matrix, bool]] = {}
    for curve in curves(frame):
        matrix = _confusion(curve)
        if matrix is not None and not curve.setting["steps"]:
            key = (*(curve.setting[n] for n in PLACE), curve.setting["optimizer"], curve.column)
            before, stale = found.get(key, (np.zeros_like(matrix), False))
            found[key] = before + matrix, stale or curve.stale
    return found


def _scores(precision: float, recall: float, f1: float, stale: bool) -> str:
    shown = (ABSENT if np.isnan(n) else f"{n:.3f}" for n in (precision, recall, f1))
    return " / ".join(shown) + marks(True, stale)


VIEW = View(
    (*PLACE, "optimizer"),
    (Shown("class", str, ("class",)),),
    "column",
    Shown("", _scores, ("precision", "recall", "f1", "stale")),
)


def make(frame: pd.DataFrame) -> Table:
    """A line for each place, optimizer, column and class."""
    names = (*PLACE, "optimizer", "column")
    lines = []
    for key, (matrix, stale) in pooled(frame).items():
        scores = per_class(matrix)
        for k in range(len(matrix)):
            line = dict(zip(names, key, strict=True)) | {"class": k, "images": int(matrix[k].sum())}
            lines.append(line | {n: float(scores[n][k]) for n in scores} | {"stale": stale})
    return Table("training_per_class", "Every class", pd.DataFrame(lines), [VIEW], NOTE)


def _confusion(curve: Curve) -> Matrix | None:
    confusion = curve.epochs[-1]["confusion"]
    return np.asarray(confusion, np.int64) if confusion else None
