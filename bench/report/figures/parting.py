"""How the loss curves of two columns part, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench.report.canvas import POINTS, colours, panels
from bench.report.curves import PARTED, PLACE, Curve, compared, difference, pairs
from bench.report.files import stem
from bench.report.frame import place

TITLE = "Where training parts"
STAGES = ("train",)


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`parting_<data set>_<architecture>...`: a panel for each optimizer, a line for each pair."""
    by_place: dict[tuple[str, ...], list[tuple[Curve, Curve]]] = {}
    for pair in pairs(compared(frame)):
        by_place.setdefault(tuple(pair[0].setting[n] for n in PLACE), []).append(pair)
    machines = frame["machine_id"].nunique()
    for values, mine in by_place.items():
        where = dict(zip(PLACE, values, strict=True))
        yield stem("parting", *values[: 4 if machines > 1 else 3]), _figure(where, mine, machines)


def _figure(where: dict[str, str], found: list[tuple[Curve, Curve]], machines: int) -> Any:
    optimizers = sorted({a.setting["optimizer"] for a, _ in found})
    figure, axes = panels(len(optimizers), 5.4, 4.0)
    colour = colours([_name(pair) for pair in found])
    for axis, optimizer in zip(axes, optimizers, strict=True):
        for pair in found:
            if pair[0].setting["optimizer"] == optimizer:
                apart = np.maximum.accumulate(difference(pair[0].losses, pair[1].losses))
                at = np.unique(np.geomspace(1, len(apart), POINTS).astype(int))
                known = {line.get_label() for line in axis.get_lines()}
                name = f"_{_name(pair)}" if _name(pair) in known else _name(pair)
                shown = np.where(apart[at - 1] > 0, apart[at - 1], np.nan)
                axis.plot(at, shown, color=colour[_name(pair)], lw=1, label=name)
        axis.axhline(PARTED, color="0.5", lw=0.8, ls="--", label="parted")
        axis.set_xscale("log", nonpositive="clip")
        axis.set_yscale("log", nonpositive="clip")
        axis.set_xlim(1, max(2, *(len(a.losses) for a, _ in found)))
        axis.set_title(optimizer)
        axis.set_xlabel("step")
        axis.set_ylabel("largest relative loss difference so far")
        axis.legend(fontsize=6)
    figure.suptitle(f"{TITLE}: {place(where, machines)}")
    return figure


def _name(pair: tuple[Curve, Curve]) -> str:
    return f"{pair[0].name}, {pair[1].name}"
