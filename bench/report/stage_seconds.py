"""How long the stages of each run took, and what of it the suite itself took beside its children.

What a child spends beside its calls is another table: `overhead`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from bench.report.forms import number, share, text
from bench.report.frame import Run
from bench.report.table import Shown, Table, View

TITLE = "Seconds of the stages, and of these outside child processes"
NOTE = (
    "Wall: of the stage, in the go that ended the run; where nothing is timed several children "
    "work side by side, and their seconds of starting are added up. Outside: starting the children "
    "and the parent's own CPU time (planning, listening, writing rows), which runs that show none "
    "were made too early to count. Tables and figures are written when all stages are over."
)


SHOWN = (
    Shown("run", text, ("runs",)),
    Shown("stage", text, ("stage",)),
    Shown("wall s", number, ("wall_s",)),
    Shown("starting children s", number, ("starting_s",)),
    Shown("parent's CPU s", number, ("parent_cpu_s",)),
    Shown("outside", share, ("outside_share",)),
)


def make(runs: Sequence[Run]) -> Table:
    """The seconds of every run whose head tells them."""
    lines = [line for head, _ in runs for line in _lines(head)]
    lines.sort(key=lambda line: str(line["machine_id"]))
    return Table("stage_seconds", TITLE, pd.DataFrame(lines), [View(("machine_id",), SHOWN)], NOTE)


def _lines(head: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for stage, seconds in head.get("seconds", {}).items():
        starting, parent = seconds["outside_children"], seconds.get("parent_cpu", math.nan)
        outside = starting + (0 if math.isnan(parent) else parent)
        yield {
            "runs": head["run_id"], "machine_id": head["machine_id"], "stage": stage,
            "wall_s": seconds["wall"], "starting_s": starting, "parent_cpu_s": parent,
            "outside_share": outside / seconds["wall"],
        }  # fmt: skip
