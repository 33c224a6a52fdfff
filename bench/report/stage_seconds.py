"""How long the stages of each run took, and what of it the suite itself took beside its children.

What a child spends beside its calls is another table: `overhead`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from bench.report.files import Section, Table
from bench.report.frame import Run
from bench.report.text import number, share

TITLE = "Seconds of the stages, and of these outside child processes"
NOTE = (
    "Wall: of the stage, in the go that ended the run; where nothing is timed several children "
    "work side by side, and their seconds of starting are added up. Outside: starting the children "
    "and the parent's own CPU time (planning, listening, writing rows), which runs that show none "
    "were made too early to count. Tables and figures are written when all stages are over."
)


def make(runs: Sequence[Run]) -> list[Table]:
    """`stage_seconds`, of every run whose head tells them."""
    lines = [line for head, _ in runs for line in _lines(head)]
    if not lines:
        return []
    data = pd.DataFrame(lines)
    sections = [
        Section(f"Machine {machine}", pd.DataFrame(map(_text, mine.to_dict("records"))))
        for machine, mine in data.groupby("machine_id")
    ]
    return [Table("stage_seconds", TITLE, data, sections, NOTE)]


def _lines(head: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for stage, seconds in head.get("seconds", {}).items():
        starting, parent = seconds["outside_children"], seconds.get("parent_cpu", math.nan)
        outside = starting + (0 if math.isnan(parent) else parent)
        yield {
            "runs": head["run_id"], "machine_id": head["machine_id"], "stage": stage,
            "wall_s": seconds["wall"], "starting_s": starting, "parent_cpu_s": parent,
            "outside_share": outside / seconds["wall"],
        }  # fmt: skip


def _text(line: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "run": line["runs"],
        "stage": line["stage"],
        "wall s": number(line["wall_s"]),
        "starting children s": number(line["starting_s"]),
        "parent's CPU s": number(line["parent_cpu_s"]),
        "outside": share(line["outside_share"]),
    }
