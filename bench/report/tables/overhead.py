"""What a cell costs beside its calls: imports, building, the first call, compilations."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.report import clock
from bench.report.files import Section, Table
from bench.report.frame import groups, place
from bench.report.measured import standing
from bench.report.statistics import middle
from bench.report.text import ABSENT, number

TITLE = "What a cell costs beside its calls"
STAGES = ("time",)
NOTE = (
    "Of the first process of a run, which compiles from cold caches with no other beside it. "
    "Import: the framework's, once a process. Start: its compiler's, a first compilation of a tiny "
    "network, once a process. Build: network and explainer, median over cells. "
    "Compile: the first call less a steady one, median over cells and the longest. Compilations: "
    "those counted of a forward pass or a heatmap, the most; none may come while the clock runs. "
    "All cells: everything, from building to the last sample, the oracle's check included."
)
COLUMNS = (
    "run_id", "column", "mode", "round", "status", "task", "import_s", "build_s", "compiler_s",
    "compile_s", "compile_count", "cell_s", "stale",
)  # fmt: skip


def make(frame: pd.DataFrame) -> list[Table]:
    """`overhead`: for each place and run a line for each column and mode."""
    timed = frame[frame["stage"] == "time"]
    imports = timed[timed["round"] == 0].groupby(["run_id", "column"])["import_s"].max()
    rows = standing(timed)
    rows = rows.loc[(rows["status"] == "ok") & (rows["round"] == 0), [*clock.PLACE, *COLUMNS]]
    machines = frame["machine_id"].nunique()
    lines: list[dict[str, Any]] = []
    sections = []
    for where, here in groups(rows, (*clock.PLACE, "run_id")):
        mine = [
            where | point | {"import_s": imports[where["run_id"], point["column"]]} | _told(cells)
            for point, cells in groups(here, ("column", "mode"))
        ]
        lines += mine
        notes = (clock.STALE,) if any(line["stale"] for line in mine) else ()
        texts = pd.DataFrame([_text(line) for line in mine])
        title = f"{place(where, machines)}, {where['run_id']}"
        sections.append(Section(title, texts, notes))
    return [Table("overhead", TITLE, pd.DataFrame(lines), sections, NOTE)] if lines else []


def _told(cells: pd.DataFrame) -> dict[str, Any]:
    counted = cells[cells["task"] != "train_step"]
    return {
        "cells": len(cells),
        "build_s": middle(cells["build_s"]),
        "compiler_s": middle(cells["compiler_s"]),
        "compile_s": middle(cells["compile_s"]),
        "longest_compile_s": cells["compile_s"].max(),
        "compile_count": counted["compile_count"].max(),
        "cells_s": cells["cell_s"].sum(),
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
        "start s": number(line["compiler_s"]),
        "build s": number(line["build_s"]),
        "compile s": ABSENT if line["mode"] == "eager" else compiled,
        "compilations": ABSENT if math.isnan(counted) else f"{counted:.0f}",
        "cells": str(line["cells"]),
        "all cells s": number(line["cells_s"]),
    }
