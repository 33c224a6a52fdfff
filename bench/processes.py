"""The parent's side: one process an environment and round, whatever becomes of it a row.

A child that crashes, hangs or runs out of memory costs the cell it was at, never the run: the cell
becomes a row with status and reason, and a new process goes on with the rest.
"""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from bench.cells import Cell, environment

ROOT = Path(__file__).resolve().parent.parent
Row = dict[str, Any]
Finished = Callable[[Cell, int, list[Row]], None]


@dataclass(frozen=True)
class Job:
    """Cells that share a process: one environment, one round."""

    module: str
    cells: tuple[Cell, ...]
    context: Mapping[str, Any]
    round: int = 0


def plan(
    module: str, cells: Iterable[Cell], context: Mapping[str, Any], rounds: int, isolate: bool
) -> list[Job]:
    """Jobs in the order they run: round by round, environments interleaved, cells shuffled."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        key = json.dumps(environment(cell), sort_keys=True) + (cell.cell_id if isolate else "")
        groups.setdefault(key, []).append(cell)
    jobs = []
    for number in range(rounds):
        shuffled = random.Random(number)
        order = list(groups.values())
        shuffled.shuffle(order)
        for group in order:
            jobs.append(Job(module, tuple(shuffled.sample(group, len(group))), context, number))
    return jobs


def run(
    job: Job, finished: Finished, timeout_s: float, log: Path, say: Callable[[str], None]
) -> float:
    """Run a job's cells, in as many processes as it takes. Seconds spent outside the children.

    `finished(cell, round, rows)` is called once for each cell, as it ends; `say(text)` with what a
    cell tells meanwhile. A process silent for `timeout_s` seconds is killed.
    """
    left = list(job.cells)
    outside = 0.0
    while left:
        began = time.perf_counter()
        child = _Child(job, left, log)
        outside += time.perf_counter() - began
        left = child.follow(finished, timeout_s, say)
    return outside


class _Child:
    def __init__(self, job: Job, cells: Sequence[Cell], log: Path) -> None:
        self.job = job
        self.cells = {cell.cell_id: cell for cell in cells}
        self.log = log
        document = {
            "module": job.module,
            "context": dict(job.context),
            "cells": [asdict(cell) for cell in cells],
        }
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as stream:
            json.dump(document, stream)
        self.path = Path(stream.name)
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bench.worker", stream.name],
                cwd=ROOT,
                env={**os.environ, **environment(cells[0])},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self.lines: queue.Queue[str | None] = queue.Queue()
        assert self.process.stdout is not None
        threading.Thread(target=self._pump, args=(self.process.stdout,), daemon=True).start()

    def _pump(self, stream: IO[str]) -> None:
        for line in stream:
            self.lines.put(line)
        self.lines.put(None)

    def follow(
        self, finished: Finished, timeout_s: float, say: Callable[[str], None]
    ) -> list[Cell]:
        """Handle events until the process ends. The cells it did not come to."""
        current, late = "", False
        rows: list[Row] = []
        try:
            while True:
                try:
                    line = self.lines.get(timeout=timeout_s)
                except queue.Empty:
                    late = True
                    break
                if line is None:
                    break
                event = json.loads(line)
                if event["event"] == "start":
                    current, rows = event["cell_id"], []
                elif event["event"] == "progress":
                    say(f"{self.cells[current]}  {event['text']}")
                elif event["event"] == "row":
                    rows.append(event["row"])
                elif event["event"] == "done":
                    finished(self.cells.pop(event["cell_id"]), self.job.round, rows)
                    current = ""
        finally:
            self._stop(grace_s=0 if late else 5)
        if self.cells:
            lost = self.cells.pop(current or next(iter(self.cells)))
            finished(lost, self.job.round, [self._obituary(late, timeout_s)])
        return list(self.cells.values())

    def _stop(self, grace_s: float) -> None:
        try:
            self.process.wait(timeout=grace_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.path.unlink(missing_ok=True)

    def _obituary(self, late: bool, timeout_s: float) -> Row:
        if late:
            return {"status": "timeout", "reason": f"no answer within {timeout_s:g} s; killed"}
        code = self.process.returncode
        if code == -signal.SIGKILL:
            return {"status": "oom", "reason": "killed by the system, as when memory runs out"}
        last = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        said = last[-1][:300] if last else "nothing"
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return {"status": "failed", "reason": f"the process ended with {how}; it said: {said}"}
