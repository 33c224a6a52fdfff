"""The child process: cells in, rows out.

`python -m bench.engine.worker JOB` reads a job file, blocks the frameworks its cells do not use,
and runs the cells one after another. What it reports goes line by line to standard output as JSON
events (`start`, `row`, `progress`, `done`, `waiting`); whatever a library prints goes to standard
error instead. A cell that fails becomes a row with its reason; the next one is run.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from bench.engine.compile_caches import compile_cache
from bench.record.cell import Cell, from_document
from bench.subject import needs
from implementations.errors import BadInput, Unavailable

Row = dict[str, Any]
Measure = Callable[[Cell, Mapping[str, Any]], Iterator[Row]]
EXTRAS = frozenset({"sklearn", "matplotlib", "pandas"})
"""What Keras imports for its extras where it is installed: seconds of every process's start."""


class Blinkered(PathFinder):
    """Finds what PathFinder finds but for some packages, which look as if not installed."""

    names: frozenset[str] = frozenset()

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's spec; None for a blocked package."""
        if fullname.partition(".")[0] in cls.names:
            return None
        return super().find_spec(fullname, path, target)


def block(names: frozenset[str]) -> None:
    """Hide these packages: of other frameworks, so that no two share a process, among them."""
    Blinkered.names = names
    sys.meta_path[:] = [Blinkered if finder is PathFinder else finder for finder in sys.meta_path]


class Wrong(Exception):
    """A cell's answer is wrong: `row`, which says how, is published without what was measured."""

    def __init__(self, row: Row, reason: str) -> None:
        super().__init__(reason)
        self.row = row


def status(error: BaseException) -> tuple[str, str]:
    """Status and reason of a cell that raised."""
    if isinstance(error, Wrong):
        return "wrong", str(error)
    text = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {text[0] if text else 'no message'}"[:500]
    if isinstance(error, Unavailable):
        return "skipped", str(error)
    if isinstance(error, BadInput):
        return "failed", str(error)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "oom", reason
    return "failed", reason


class Reporter:
    """Writes events for the parent, each a line."""

    def __init__(self, stream: TextIO, turns: TextIO | None = None) -> None:
        self.stream = stream
        self.turns = turns
        self._spent: dict[str, float] = {}

    def send(self, event: str, **content: Any) -> None:
        """One event."""
        self.stream.write(json.dumps({"event": event, **content}) + "\n")
        self.stream.flush()

    def run(self, cell: Cell, rows: Callable[[], Iterator[Row]]) -> None:
        """Run one cell; send its rows, or one row that says why there are none."""
        if self.part(cell, rows):
            self.done(cell)

    def part(self, cell: Cell, rows: Callable[[], Iterator[Row]]) -> bool:
        """Run part of a cell; send what rows it gives. False where it failed: then it is done."""
        identity = cell.cell_id
        self.send("start", cell_id=identity)
        began = time.perf_counter() - self._spent.get(identity, 0.0)
        try:
            for row in rows():
                self.send("row", cell_id=identity, row={"status": "ok", **row, **_cost(began)})
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            name, reason = status(error)
            row = error.row if isinstance(error, Wrong) else {}
            self.send("row", cell_id=identity, row={**row, "status": name, "reason": reason})
            self.done(cell)
            return False
        self._spent[identity] = time.perf_counter() - began
        return True

    def wait(self) -> None:
        """Let other processes work until it is this one's turn again; without a parent it is."""
        if self.turns is not None:
            self.send("waiting")
            if not self.turns.readline():
                os._exit(1)  # the parent is gone

    def done(self, cell: Cell) -> None:
        """The cell has all the rows it will have."""
        self.send("done", cell_id=cell.cell_id)


def _cost(began: float) -> Row:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "peak_rss_mb": round(peak / (1024 if sys.platform != "darwin" else 1 << 20), 1),
        "cell_s": round(time.perf_counter() - began, 3),
    }


def main(job_path: str, ending: str = "") -> None:
    """Run the cells of a job file; `ending` is the number of a pipe that ends with the parent."""
    # What is read and written here is for the parent; libraries get other ends.
    report = Reporter(os.fdopen(os.dup(1), "w", encoding="utf-8"), os.fdopen(os.dup(0)))
    os.dup2(2, 1)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    if ending:
        threading.Thread(target=_die_with_parent, args=(int(ending),), daemon=True).start()
    if cores := os.environ.get("CAMPARISON_CORES"):
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    job = json.loads(Path(job_path).read_text(encoding="utf-8"))
    cells = [from_document(document) for document in job["cells"]]
    stage = importlib.import_module(job["module"])
    bare = getattr(stage, "BARE", False) and not any(cell.library for cell in cells)
    block(needs.foreign(cells) | (EXTRAS if bare else frozenset()))
    needs.include(job["context"].get("architectures", {}))
    with compile_cache(job["context"].get("cache"), job["round"]):
        if hasattr(stage, "serve"):  # one with a stopwatch, or networks, of its own
            stage.serve(cells, job["context"], report)
        else:
            serve(stage.measure, cells, job["context"], report)


def _die_with_parent(ending: int) -> None:
    """End this process, and all it has started, when the parent is gone: compilers have helpers.

    A signal of the kernel's (PR_SET_PDEATHSIG) would end this process alone.
    """
    os.read(ending, 1)
    os.killpg(0, signal.SIGKILL)


def serve(
    measure: Measure, cells: list[Cell], context: Mapping[str, Any], report: Reporter
) -> None:
    """Run cells one after another."""
    for cell in cells:
        report.run(cell, lambda cell=cell: measure(cell, context))  # type: ignore[misc]


if __name__ == "__main__":
    # As the module that stages import: an exception of theirs is then one known here.
    importlib.import_module("bench.engine.worker").main(*sys.argv[1:])
    sys.stderr.flush()
    # Everything is said. To be taken apart, a framework takes seconds.
    os._exit(0)
