"""Where the loss curves of two columns part: the same weights, batches and optimizer."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.report.curves import PARTED, PLACE, compared, difference, pairs, parted
from bench.report.forms import marks, number, text
from bench.report.table import Shown, Table, View

STAGES = ("train",)
STEPS = (1, 5, 20, 100)
NOTE = (
    "Largest relative difference of two columns' losses within the first steps, |a - b| / "
    f"max(|a|, |b|), and the first step at which it exceeds {PARTED:g}. The rate of "
    "`matched` Adam grows over its first steps; `native` is each framework's own "
    "Adam, at its full rate from the first step, with an epsilon of its own; `sgd` is without "
    "momentum. *Nudged* is the same column from "
    "start weights each moved by one unit in the last place: the parting that rounding alone "
    "makes, below which no two columns can be asked to stay. Dropout draws differ between "
    "frameworks and cannot be matched: networks that have it part at once."
)


def _columns(a: str, b: str, stale: bool) -> str:
    return f"{a}, {b}{marks(True, stale)}"


def _parted(step: float, compared: int) -> str:
    return f"not in {compared}" if math.isnan(step) else f"step {step:.0f}"


SHOWN = (
    Shown("columns", _columns, ("a", "b", "stale")),
    Shown("optimizer", text, ("optimizer",)),
    Shown("seed", str, ("seed",)),
    *(Shown(f"step {n}" if n == 1 else f"within {n}", number, (f"within_{n}",)) for n in STEPS),
    Shown("parted at", _parted, ("parted_at", "steps_compared")),
)


def make(frame: pd.DataFrame) -> Table:
    """A line for each pair of columns, optimizer and seed."""
    lines: list[dict[str, Any]] = []
    for a, b in pairs(compared(frame)):
        apart = difference(a.losses, b.losses)
        line = {**a.setting, "a": a.name, "b": b.name, "steps_compared": len(apart)}
        line |= {
            f"within_{n}": float(apart[:n].max()) if len(apart) >= n else math.nan for n in STEPS
        }
        first = parted(apart)
        lines.append(line | {"parted_at": first or math.nan, "stale": a.stale or b.stale})
    lines.sort(key=lambda line: tuple(str(line[name]) for name in PLACE))
    data = pd.DataFrame(lines)
    return Table("training_parting", "Where training parts", data, [View(PLACE, SHOWN)], NOTE)
