"""What a cell costs beside its calls: imports, building, the first call, compilations."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.report import clock
from bench.report.forms import count, number, stale_text, text
from bench.report.frame import groups
from bench.report.measured import standing
from bench.report.statistics import middle
from bench.report.table import ABSENT, Shown, Table, View

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


def _compile_s(seconds: float, longest: float, mode: str) -> str:
    return ABSENT if mode == "eager" else f"{number(seconds)} (longest {number(longest)})"


SHOWN = (
    Shown("column", stale_text, ("column", "stale")),
    Shown("mode", text, ("mode",)),
    Shown("import s", number, ("import_s",)),
    Shown("start s", number, ("compiler_s",)),
    Shown("build s", number, ("build_s",)),
    Shown("compile s", _compile_s, ("compile_s", "longest_compile_s", "mode")),
    Shown("compilations", count, ("compile_count",)),
    Shown("cells", count, ("cells",)),
    Shown("all cells s", number, ("cells_s",)),
)


def make(frame: pd.DataFrame) -> Table:
    """For each place and run a line for each column and mode."""
    timed = frame[frame["stage"] == "time"]
    imports = timed[timed["round"] == 0].groupby(["run_id", "column"])["import_s"].max()
    rows = standing(timed)
    rows = rows.loc[(rows["status"] == "ok") & (rows["round"] == 0), [*clock.PLACE, *COLUMNS]]
    data = pd.DataFrame(
        where | point | {"import_s": imports[where["run_id"], point["column"]]} | _told(cells)
        for where, here in groups(rows, (*clock.PLACE, "run_id"))
        for point, cells in groups(here, ("column", "mode"))
    )
    view = View((*clock.PLACE, "run_id"), SHOWN)
    return Table("overhead", "What a cell costs beside its calls", data, [view], NOTE)


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
