"""Trainings as the page selects from them: losses, where they part, accuracies, confusion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench.report import curves
from bench.report.canvas import thinned
from bench.report.tables.training_per_class import per_class, pooled
from bench.subject.pages import class_names

WHERE = ("dataset", "architecture", "device", "machine_id", "optimizer")
LENGTH = ("epochs", "steps")
"""How long a training was: trainings of one length are shown together."""
LOSS = (*WHERE, *LENGTH, "column", "seed", "step", "loss")
PARTING = (*WHERE, *LENGTH, "pair", "seed", "step", "apart")
EPOCH = (*WHERE, *LENGTH, "column", "seed", "epoch", "train_loss", "test_accuracy")
CONFUSION = (*WHERE, "column", "true", "predicted", "images")
CLASSES = (*WHERE, "column", "class", "images", "precision", "recall", "f1", "stale")
LARGEST = 20
"""Classes of which a confusion matrix is drawn, at the most."""


def frames(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """`losses`, `parting`, `epochs`, `confusion`, `classes`, with the columns named above."""
    rows = frame[frame["stage"] == "train"]
    found = curves.curves(rows)
    matrices = pooled(rows)
    return {
        "losses": pd.DataFrame(losses(found), columns=list(LOSS)),
        "parting": pd.DataFrame(_parting(rows), columns=list(PARTING)),
        "epochs": pd.DataFrame(_epochs(found), columns=list(EPOCH)),
        "confusion": pd.DataFrame(_confusion(matrices), columns=list(CONFUSION)),
        "classes": pd.DataFrame(_classes(matrices), columns=list(CLASSES)),
    }


def _where(curve: curves.Curve) -> dict[str, Any]:
    return {name: curve.setting[name] for name in (*WHERE, *LENGTH, "seed")}


def losses(found: list[curves.Curve]) -> Iterator[dict[str, Any]]:
    """The losses of curves, thinned, with the columns `LOSS`."""
    for curve in found:
        steps, means, _ = thinned(curve.losses)
        for step, loss in zip(steps.tolist(), means.tolist(), strict=True):
            yield {**_where(curve), "column": curve.column, "step": step, "loss": loss}


def _parting(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The largest difference so far, where it grows: what a logarithmic axis shows of it."""
    for a, b in curves.pairs(curves.compared(rows)):
        largest = np.fmax.accumulate(curves.difference(a.losses, b.losses))
        grown = np.flatnonzero(np.diff(largest, prepend=-1.0) > 0)
        for place in dict.fromkeys([*grown.tolist(), len(largest) - 1]):
            apart = float(largest[place])
            if apart > 0:
                pair = f"{a.name}, {b.name}"
                yield {**_where(a), "pair": pair, "step": place + 1, "apart": apart}


def _epochs(found: list[curves.Curve]) -> Iterator[dict[str, Any]]:
    for curve in found:
        for row in curve.epochs:
            told = {name: row[name] for name in ("epoch", "train_loss", "test_accuracy")}
            yield {**_where(curve), "column": curve.column, **told}


Matrices = dict[tuple[Any, ...], tuple[Any, bool]]


def _confusion(matrices: Matrices) -> Iterator[dict[str, Any]]:
    for key, (matrix, _) in matrices.items():
        if len(matrix) > LARGEST:
            continue
        named = _names(key[0], len(matrix))
        about = dict(zip((*WHERE, "column"), key, strict=True))
        for true, predicted in np.ndindex(matrix.shape):
            images = int(matrix[true, predicted])
            yield {**about, "true": named[true], "predicted": named[predicted], "images": images}


def _classes(matrices: Matrices) -> Iterator[dict[str, Any]]:
    for key, (matrix, stale) in matrices.items():
        named = _names(key[0], len(matrix))
        about = dict(zip((*WHERE, "column"), key, strict=True))
        scores = per_class(matrix)
        for k in range(len(matrix)):
            told = {name: float(values[k]) for name, values in scores.items()}
            yield {**about, "class": named[k], "images": int(matrix[k].sum()), **told,
                   "stale": stale}  # fmt: skip


def _names(dataset: str, classes: int) -> list[str]:
    """A name for each class, told apart even where a data set calls two alike."""
    named = class_names(dataset)
    if len(named) == classes == len(set(named)):
        return list(named)
    return [f"class {k}" for k in range(classes)]
