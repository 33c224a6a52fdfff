"""Time: agree, then clock. What one cell costs in one fresh process.

pytest-benchmark is the stopwatch (`stopwatch.py`). A process first makes all its cells ready
(`clocked.py`); then the clock goes round them, a few samples at a visit, so that no cell has
all its samples in one slow second of the machine. Where visits scatter, it comes more often.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.engine.worker import Reporter
from bench.record.cell import Cell
from bench.stages.time import peak, stopwatch

BARE = True
"""Its processes need a framework and nothing else, unless they time a library."""


def here(cells: Sequence[Cell], context: Mapping[str, Any]) -> Mapping[str, Any]:
    """What children are told where their machine is not that of the command: its own peak."""
    return {**context, "peak": peak.measure(cells[0].threads)}


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    """The child's entry: pytest runs `stopwatch.py`, a test for each visit to a cell."""
    # Of pytest's plugins this one alone: others cost seconds at the end of every process.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    here = Path(stopwatch.__file__)
    pytest.main(
        ["-q", "-p", "pytest_benchmark.plugin", "-p", "no:cacheprovider", "--assert=plain",
         "-c", str(here.with_suffix(".ini")), f"--rootdir={here.parent}",
         "--benchmark-warmup=off", "--capture=no", str(here)],
        plugins=[stopwatch.Cells(cells, context, report)],
    )  # fmt: skip
