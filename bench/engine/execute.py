"""How a stage's cells are run to the last one."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bench.engine import inherited, processes
from bench.engine.engines import LOCAL, Engine
from bench.engine.progress import console, ticker
from bench.engine.run import Run
from bench.record.cell import Cell
from bench.record.runs import Row
from bench.subject import described
from implementations.errors import BadInput

NO_ROOM = tuple(map(os.strerror, (errno.ENOSPC, errno.EROFS, errno.EDQUOT)))
"""What the system says where nothing can be written any more."""
WARNINGS = ("failed", "wrong", "timeout", "oom")


def execute(
    run: Run,
    title: str,
    module: str,
    cells: Iterable[Cell],
    context: Mapping[str, Any],
    *,
    rounds: int = 1,
    isolate: bool = False,
    timeout_s: float = 900.0,
    at_once: int = 1,
    engine: Engine = LOCAL,
) -> list[Row]:
    """Run the cells that are not finished yet; the rows of all of them, old and new.

    `at_once` processes run side by side on this machine: never more than one where time is
    measured. Raises BadInput where there is no room for what they write: what is finished stays.
    """
    asked = list(cells)
    _tell_dropped(run)
    jobs = processes.plan(module, asked, context, rounds, isolate)
    jobs = [
        replace(job, cells=tuple(c for c in job.cells if not run.has(c, job.round))) for job in jobs
    ]
    jobs = [job for job in jobs if job.cells]
    total = sum(len(job.cells) for job in jobs)
    log = run.folder / "children.log"
    began, busy, lock = time.perf_counter(), time.process_time(), threading.Lock()
    with ticker(title, total) as progress:

        def finished(cell: Cell, number: int, rows: list[Row]) -> None:
            if why := next(filter(None, map(no_room, rows)), ""):
                raise BadInput(f"{why}; then the same command goes on from here")
            with lock:
                run.know(engine.machines)
                run.add(cell, number, rows, described.of(cell, context))
            first = next((r for r in rows if r["status"] != "ok"), rows[0] if rows else {})
            status = str(first.get("status", "ok"))
            reason = f": {first['reason']}" if first.get("reason") else ""
            failed = [str(row["compared"]) for row in rows if row.get("agree") is False]
            wrong = f" DISAGREES at {', '.join(failed)}" if failed and status == "ok" else ""
            with lock:
                if status == "skipped":
                    progress.skip()
                    return
                progress.tick(f"{cell} {status}{reason}{wrong}", ok=not wrong and status == "ok")

        outside = engine.run(
            jobs, finished, at_once=at_once, timeout_s=timeout_s, log=log, say=progress.say
        )
    wall, parent = time.perf_counter() - began, time.process_time() - busy
    if total:
        spent = run.head.setdefault("seconds", {}).setdefault(title, {})
        told = (("wall", wall), ("outside_children", outside), ("parent_cpu", parent))
        for name, seconds in told:
            spent[name] = spent.get(name, 0.0) + seconds
    known = {cell.cell_id for cell in asked}
    return [row for row in run.rows if row["cell_id"] in known]


def _tell_dropped(run: Run) -> None:
    """Say once a run which settings of the shell no child gets, and keep them in its head."""
    if "dropped" in run.head:
        return
    run.head["dropped"] = found = inherited.dropped()
    if found:
        names = ", ".join(found)
        console.print(f"Not passed on, as they could change figures: {names}", markup=False)


def no_room(row: Row) -> str:
    """What could not be written, where a cell failed for want of space: the next would as well."""
    reason = str(row.get("reason", ""))
    failed = row.get("status") == "failed" and any(word in reason for word in NO_ROOM)
    return reason if failed else ""


def side_by_side() -> int:
    """How many processes to run at once where nothing is timed; each has cores of its own."""
    return max(min(len(os.sched_getaffinity(0)), 4), 1)


def disagreements(rows: Iterable[Row]) -> list[Row]:
    """The rows that fail a check or broke: what makes the exit status 3."""
    return [r for r in rows if r.get("agree") is False or r["status"] in WARNINGS]
