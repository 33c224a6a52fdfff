"""What a cell costs beside its calls: imports, building, the first call, compilations."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.report import clock
from bench.report.files import Section, Table
from bench.report.frame import groups, place
from bench.report.measured import standing, started
from bench.report.statistics import middle
from bench.report.text import ABSENT, number

TITLE = "What a cell costs beside its calls"
STAGES = ("time",)
NOTE = (
    "Of the newest run of a place. Import: the framework's, once a process for all its cells, "
    "median over processes. Build: network and explainer, median over cells. Compile: the first "
    "call less a steady one, from a cold cache, median over cells and the longest; PyTorch's of "
    "one process, whose code the next ones load. Compilations: those counted of a cell, the most; "
    "none may come while the clock runs. Whole cell: all of it, samples and the oracle's check "
    "included, the sum over all cells of a process."
)
COLUMNS = (
    "run_id", "column", "mode", "round", "status", "cache", "import_s", "build_s", "compile_s",
    "compile_count", "cell_s", "stale",
)  # fmt: skip


def make(frame: pd.DataFrame) -> list[Table]:
    """`overhead`: a line for each column and mode."""
    rows = standing(frame[frame["stage"] == "time"])
    rows = rows.loc[rows["status"] == "ok", [*clock.PLACE, *COLUMNS]]
    machines = frame["machine_id"].nunique()
    lines: list[dict[str, Any]] = []
    sections = []
    for where, here in groups(rows, clock.PLACE):
        newest = here[here["run_id"] == max(here["run_id"], key=started)]
        imports = newest.groupby(["column", "round"])["import_s"].max().groupby("column").median()
        mine = [
            where
            | {"run_id": newest["run_id"].iloc[0]}
            | point
            | {"import_s": imports[point["column"]]}
            | _measured(cells)
            for point, cells in groups(newest, ("column", "mode"))
        ]
        lines += mine
        notes = (clock.STALE,) if any(line["stale"] for line in mine) else ()
        texts = pd.DataFrame([_text(line) for line in mine])
        sections.append(Section(place(where, machines), texts, notes))
    return [Table("overhead", TITLE, pd.DataFrame(lines), sections, NOTE)] if lines else []


def _measured(cells: pd.DataFrame) -> dict[str, Any]:
    cold = cells[cells["cache"] != "warm"]
    processes = cells.groupby("round")
    return {
        "processes": len(processes),
        "build_s": middle(cells["build_s"]),
        "compile_s": middle(cold["compile_s"]),
        "longest_compile_s": cold["compile_s"].max(),
        "compile_count": cells["compile_count"].max(),
        "cells_s": middle(processes["cell_s"].sum()),
        "stale": bool(cells["stale"].any()),
    }


def _text(line: dict[str, Any]) -> dict[str, str]:
    counted = line["compile_count"]
    longest = number(line["longest_compile_s"])
    compiled = f"{number(line['compile_s'])} (longest {longest})"
    return {
        "column": line["column"] + (" †" if line["stale"] else ""),
        "mode": line["mode"],
        "import s": number(line["import_s"]),
        "build s": number(line["build_s"]),
        "compile s": ABSENT if line["mode"] == "eager" else compiled,
        "compilations": ABSENT if math.isnan(counted) else f"{counted:.0f}",
        "cells s": number(line["cells_s"]),
    }
