"""Where the loss curves of two columns part: the same weights, batches and optimizer."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.report.clock import STALE
from bench.report.curves import PARTED, PLACE, compared, difference, pairs, parted
from bench.report.files import Section, Table
from bench.report.frame import groups, place
from bench.report.text import number

TITLE = "Where training parts"
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


def make(frame: pd.DataFrame) -> list[Table]:
    """`training_parting`: a line for each pair of columns, optimizer and seed."""
    lines: list[dict[str, Any]] = []
    for a, b in pairs(compared(frame)):
        apart = difference(a.losses, b.losses)
        line = {**a.setting, "a": a.name, "b": b.name, "steps_compared": len(apart)}
        line |= {
            f"within_{n}": float(apart[:n].max()) if len(apart) >= n else math.nan for n in STEPS
        }
        first = parted(apart)
        lines.append(line | {"parted_at": first or math.nan, "stale": a.stale or b.stale})
    if not lines:
        return []
    data = pd.DataFrame(lines)
    sections = []
    for key, mine in groups(data, PLACE):
        reached = [n for n in STEPS if mine[f"within_{n}"].notna().any()]
        records = [{str(k): v for k, v in line.items()} for line in mine.to_dict("records")]
        texts = [_text(line, reached) for line in records]
        notes = (STALE,) if mine["stale"].any() else ()
        title = place(key, frame["machine_id"].nunique())
        sections.append(Section(title, pd.DataFrame(texts), notes))
    return [Table("training_parting", TITLE, data, sections, NOTE)]


def _text(line: dict[str, Any], reached: list[int]) -> dict[str, str]:
    at = line["parted_at"]
    return {
        "columns": f"{line['a']}, {line['b']}" + (" †" if line["stale"] else ""),
        "optimizer": line["optimizer"],
        "seed": str(line["seed"]),
        **{f"step {n}" if n == 1 else f"within {n}": number(line[f"within_{n}"]) for n in reached},
        "parted at": f"not in {line['steps_compared']}" if math.isnan(at) else f"step {at:.0f}",
    }
