"""Training curves from rows: the loss of every step of one training, and how two of them part."""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.record.cell import NUDGED
from bench.report.frame import Row, groups

PLACE = ("dataset", "architecture", "device", "machine_id")
SETTING = (*PLACE, "optimizer", "seed", "mode", "precision", "epochs", "steps")
PARTED = 1e-3
"""Curves have parted where their relative difference exceeds this."""


class Curve(NamedTuple):
    """One training: `losses` (steps,), mean loss per image; `epochs` its rows in order.

    `start` is empty, or says how its start weights differ from those that all columns are given.
    """

    setting: dict[str, Any]
    column: str
    start: str
    losses: NDArray[np.float64]
    epochs: list[Row]
    stale: bool

    @property
    def name(self) -> str:
        """The column, and how it was started where that is another way."""
        return f"{self.column} {self.start}".strip()


def curves(frame: pd.DataFrame, every_start: bool = False) -> list[Curve]:
    """The trainings that have losses. Epochs after a gap are left out: their steps are unknown.

    Of those from other start weights only where `every_start`. Of one training's first steps taken
    twice, some and more, the longer.
    """
    rows = frame[(frame["stage"] == "train") & (frame["epoch"] > 0) & (frame["status"] == "ok")]
    if not every_start:
        rows = rows[rows["weights"] != NUDGED]
    found = []
    for key, mine in groups(rows, (*SETTING, "column", "weights")):
        start = NUDGED if key["weights"] == NUDGED else ""
        by_epoch = {int(row["epoch"]): dict(row) for row in mine.to_dict("records")}
        epochs: list[Row] = []
        while len(epochs) + 1 in by_epoch and by_epoch[len(epochs) + 1]["losses"]:
            epochs.append({str(k): v for k, v in by_epoch[len(epochs) + 1].items()})
        if epochs:
            losses = np.concatenate([np.asarray(row["losses"], np.float64) for row in epochs])
            setting = {name: key[name] for name in SETTING}
            stale = bool(mine["stale"].any())
            found.append(Curve(setting, key["column"], start, losses, epochs, stale))
    return _longest(found)


def compared(frame: pd.DataFrame) -> list[Curve]:
    """Those whose losses are held against one another, from every start.

    Of trainings by each framework's own Adam only the first steps: whole ones differ by design.
    """
    found = curves(frame, every_start=True)
    return [c for c in found if c.setting["optimizer"] != "native" or c.setting["steps"]]


def _longest(found: list[Curve]) -> list[Curve]:
    by_training: dict[tuple[Any, ...], Curve] = {}
    for curve in sorted(found, key=lambda curve: curve.setting["steps"]):
        same = [curve.setting[name] for name in SETTING if name != "steps"]
        by_training[curve.name, curve.setting["steps"] > 0, *same] = curve  # 0: a whole one
    kept = {id(curve) for curve in by_training.values()}
    return [curve for curve in found if id(curve) in kept]


def pairs(found: list[Curve]) -> list[tuple[Curve, Curve]]:
    """Every two columns' trainings of the same setting, and one column's from two starts."""
    return [
        (a, b)
        for a, b in combinations(found, 2)
        if a.setting == b.setting and (a.column == b.column or not (a.start or b.start))
    ]


def difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """|a - b| / max(|a|, |b|) of each step both have, 0 where both are 0; NaN stays NaN."""
    n = min(len(a), len(b))
    scale = np.maximum(np.abs(a[:n]), np.abs(b[:n]))
    apart = np.abs(a[:n] - b[:n])
    return np.divide(apart, scale, out=np.where(np.isnan(scale), np.nan, 0.0), where=scale > 0)


def parted(apart: NDArray[np.float64]) -> int | None:
    """The first step, from 1, that is not within `PARTED`; None where there is none."""
    beyond = np.flatnonzero(~(apart <= PARTED))
    return int(beyond[0]) + 1 if len(beyond) else None
