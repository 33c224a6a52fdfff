"""Loss curves: a panel for each optimizer, a line for each column and seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report.charts import sheet
from bench.report.charts.training import losses
from bench.report.curves import PLACE, Curve, curves
from bench.report.files import stem
from bench.report.frame import place
from bench.report.site import trained

TITLE = "Loss curves"
STAGES = ("train",)


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`loss_curves_<data set>_<architecture>...`."""
    by_place: dict[tuple[str, ...], list[Curve]] = {}
    for curve in curves(frame):
        by_place.setdefault(tuple(curve.setting[n] for n in PLACE), []).append(curve)
    machines = frame["machine_id"].nunique()
    for values, found in by_place.items():
        where = dict(zip(PLACE, values, strict=True))
        yield (
            stem("loss_curves", *values[: 4 if machines > 1 else 3]),
            _figure(where, found, machines),
        )


def _figure(where: dict[str, str], found: list[Curve], machines: int) -> dict[str, Any]:
    by_setting: dict[tuple[str, int], list[Curve]] = {}
    for curve in found:
        setting = curve.setting["optimizer"], curve.setting["steps"]
        by_setting.setdefault(setting, []).append(curve)
    drawn = []
    for (optimizer, steps), mine in by_setting.items():
        heading = f"{optimizer}, first {steps} steps an epoch" if steps else optimizer
        drawn.append((heading, losses(), list(trained.losses(mine))))
    return sheet(f"{TITLE}: {place(where, machines)}", drawn)
