"""Loss curves: a panel for each optimizer, a line for each column and seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report.canvas import colours, panels, thinned
from bench.report.curves import PLACE, Curve, curves
from bench.report.files import stem
from bench.report.frame import place

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


def _figure(where: dict[str, str], found: list[Curve], machines: int) -> Any:
    settings = dict.fromkeys((c.setting["optimizer"], c.setting["steps"]) for c in found)
    figure, axes = panels(len(settings), 5.0, 3.6)
    colour = colours([curve.column for curve in found])
    for axis, (optimizer, steps) in zip(axes, settings, strict=True):
        block, positive = 1, False
        for curve in found:
            if (curve.setting["optimizer"], curve.setting["steps"]) == (optimizer, steps):
                x, y, block = thinned(curve.losses)
                positive |= bool((y > 0).any())
                known = {line.get_label() for line in axis.get_lines()}
                name = f"_{curve.column}" if curve.column in known else curve.column
                axis.plot(x, y, color=colour[curve.column], lw=1, alpha=0.8, label=name)
        axis.set_yscale("log" if positive else "linear")
        axis.set_title(f"{optimizer}, first {steps} steps an epoch" if steps else optimizer)
        axis.set_xlabel("step" if block == 1 else f"step (means of {block})")
        axis.set_ylabel("loss per image")
        axis.legend(fontsize=7)
    figure.suptitle(f"{TITLE}: {place(where, machines)}")
    return figure
