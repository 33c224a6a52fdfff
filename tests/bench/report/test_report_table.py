from __future__ import annotations

from typing import Any

import pandas as pd

from bench.report.forms import number, text
from bench.report.table import ABSENT, SIGNS, Absent, Shown, Table, View

LINES = [
    {"dataset": "digits", "machine_id": "m1", "run_id": "r1", "what": "a", "batch": 8,
     "column": "jax", "ms": 1.0, "why": ""},
    {"dataset": "digits", "machine_id": "m1", "run_id": "r1", "what": "a", "batch": 8,
     "column": "torch", "ms": 2.0, "why": ""},
    {"dataset": "digits", "machine_id": "m1", "run_id": "r1", "what": "b", "batch": 8,
     "column": "torch", "ms": None, "why": "no GPU"},
    {"dataset": "shapes", "machine_id": "m1", "run_id": "r2", "what": "a", "batch": 8,
     "column": "jax", "ms": 3.0, "why": ""},
]  # fmt: skip


def cell(ms: float, why: str) -> str | Absent:
    return Absent("skipped", why) if why else number(ms) + " †"


WHAT = Shown("what", text, ("what",))
BATCH = Shown("batch", text, ("batch",), "batch {}")
VIEW = View(
    ("dataset", "machine_id", "run_id"), (WHAT, BATCH), "column", Shown("", cell, ("ms", "why"))
)


def table(view: View, lines: list[dict[str, Any]] = LINES) -> Table:
    return Table("name", "Title", pd.DataFrame(lines), [view])


def test_columns_stand_side_by_side_and_what_is_constant_in_the_title() -> None:
    first, second = table(VIEW).sections
    assert first.title == "digits, batch 8" and second.title == "shapes, batch 8"
    assert first.frame.to_dict("records") == [
        {"what": "a", "jax": "1.00 †", "torch": "2.00 †"},
        {"what": "b", "jax": ABSENT, "torch": "skipped (1)"},
    ]
    assert first.told == ("(1) skipped: no GPU",) and first.notes == (SIGNS["†"],)
    assert second.told == ()


def test_runs_and_machines_are_named_where_there_are_several() -> None:
    other = {**LINES[0], "machine_id": "m2", "run_id": "r9", "batch": 1}
    again = {**LINES[0], "run_id": "r3"}
    titles = [section.title for section in table(VIEW, [*LINES, other, again]).sections]
    assert titles == [
        "digits, machine m1, r1, batch 8", "shapes, machine m1, batch 8",
        "digits, machine m2, batch 1", "digits, machine m1, r3, batch 8",
    ]  # fmt: skip


def test_a_line_for_each_row_and_only_those_that_are_asked_for() -> None:
    shown = (WHAT, BATCH, Shown("gone", number, ("no such column",)))
    view = View(
        (), shown, title="All", where=lambda data: data["ms"] > 1,
        told=lambda data: [f"{len(data)} lines"],
    )  # fmt: skip
    (section,) = table(view).sections
    assert section.title == "All, batch 8" and section.told == ("2 lines",)
    assert section.frame.to_dict("list") == {"what": ["a", "a"], "gone": [ABSENT, ABSENT]}


def test_without_lines_there_is_nothing_to_see() -> None:
    assert Table("name", "Title", pd.DataFrame(), [VIEW]).sections == []
