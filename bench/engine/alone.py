"""One cell in a child of its own, for a command that is of one network and keeps no run."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.engine import scratch
from bench.engine.child import Child, Job, Row
from bench.record.cell import Cell

PATIENCE_S = 1e9
"""A command that a user waits for is not ended because it is silent."""


def alone(
    module: str, cell: Cell, context: Mapping[str, Any], say: Callable[[str], None]
) -> list[Row]:
    """The rows of a cell, run in a child; of one that broke, a row with its status and reason.

    `say` is told of its progress. What it wrote to standard error is in the row's `said`, where it
    did not end well.
    """
    rows: list[Row] = []

    def finished(_: Cell, number: int, found: list[Row]) -> None:
        rows.extend(found)

    stop = threading.Event()
    with tempfile.TemporaryDirectory(dir=scratch.folder()) as folder:
        log = Path(folder) / "log"
        child = Child(Job(module, (cell,), context), (cell,), log)
        try:
            child.follow(finished, PATIENCE_S, say, stop)
        except BaseException:
            stop.set()
            raise
        said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return [row if row["status"] == "ok" else {**row, "said": said} for row in rows]
