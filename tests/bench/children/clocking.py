"""Cells of the `time` stage run in one child process, as the tests of it ask for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.engine import processes
from bench.engine.child import Job
from bench.record.cell import Cell

CHILDREN = Path(__file__).parent
TRAP = Cell(
    stage="time", task="trap", framework="pytorch", method="grad_cam", dataset="digits",
    architecture="cnn-32-16-8", batch=8,
)  # fmt: skip
Found = dict[str, list[dict[str, Any]]]


def run(cells: list[Cell], module: str, context: dict[str, Any], log: Path) -> Found:
    """The rows of time cells, by trap or task, from one child process."""
    found: Found = {}

    def finished(cell: Cell, number: int, rows: list[dict[str, Any]]) -> None:
        found[dict(cell.options).get("trap", cell.task)] = rows

    processes.run([Job(module, tuple(cells), context)], finished, 300, log, print)
    return found
