"""One child process from the parent's side: started, listened to, ended, whatever becomes of it.

A child that crashes, hangs or runs out of memory costs the cell it was at, never the run: a new
process goes on with the rest, and the cell, where it hangs or ends its process again, becomes a row
with status and reason.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from bench.engine import scratch
from bench.engine.environment import environment, made, python
from bench.record.cell import Cell

ROOT = Path(__file__).resolve().parents[2]
POLL_S = 0.2
Row = dict[str, Any]
Finished = Callable[[Cell, int, list[Row]], None]


def told(cell: Cell, cores: Sequence[int] = ()) -> str:
    """A cell's environment as one text: cells with equal ones may share a process."""
    return json.dumps(environment(cell, cores), sort_keys=True)


@dataclass(frozen=True)
class Job:
    """Cells that share a process: one environment, one round.

    `module`, as in "bench.stages.agree", has the `measure(cell, context)` that gives the rows of
    one, or the `serve(cells, context, report)` that runs them;
    `cores` are those its processes may use, where that is not left to the cells.
    """

    module: str
    cells: tuple[Cell, ...]
    context: Mapping[str, Any]
    round: int = 0
    cores: tuple[int, ...] = ()

    @property
    def environment(self) -> str:
        """What its processes are told, as one text: the same in every round."""
        return told(self.cells[0], self.cores)

    @property
    def warm(self) -> bool:
        """Whether it finds compiled what the first round compiled: its readying is no figure."""
        return bool(self.round and self.context.get("cache"))

    @property
    def on_gpu(self) -> bool:
        """Whether any of its cells uses the GPU."""
        return any(cell.device == "gpu" for cell in self.cells)


class Child:
    """A process that runs a job's cells; `cells` are those it has not come to the end of.

    All that it writes for the moment lies in its `scratch` folder, which goes when it ends, also
    by a kill. Its environment is made, not inherited. `died` are the cells that have ended a
    process and are tried again; without it none is.
    """

    def __init__(
        self, job: Job, cells: Iterable[Cell], log: Path, died: set[str] | None = None
    ) -> None:
        self.job = job
        self.died = died
        self.cells = {cell.cell_id: cell for cell in cells}
        self.log = log
        document = {
            "module": job.module,
            "context": dict(job.context),
            "round": job.round,
            "cells": [asdict(cell) for cell in self.cells.values()],
        }
        self._folder = tempfile.TemporaryDirectory(dir=scratch.folder(), ignore_cleanup_errors=True)
        self.scratch = Path(self._folder.name)
        task = self.scratch / "job.json"
        task.write_text(json.dumps(document), encoding="utf-8")
        first = next(iter(self.cells.values()))
        variables = made(first, self.scratch, job.cores)
        # Its end here closes with this process, however that ends.
        ending, self._alive = os.pipe()
        # A file of its own, as several children may speak at once; it joins the log when it ends.
        self.errors = self.scratch / "stderr.log"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [python(first), "-m", "bench.engine.worker", task, str(ending)],
                cwd=ROOT,
                env=variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
                pass_fds=(ending,),
            )
        os.close(ending)
        self.lines: queue.Queue[str | None] = queue.Queue()
        assert self.process.stdout is not None
        threading.Thread(target=self._pump, args=(self.process.stdout,), daemon=True).start()

    def _pump(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self.lines.put(line)
        self.lines.put(None)

    def _events(self, timeout_s: float, stop: threading.Event) -> Iterator[Row]:
        """What the process says until it ends. Raises TimeoutError when it is silent too long."""
        heard = time.monotonic()
        while not stop.is_set():
            try:
                line = self.lines.get(timeout=POLL_S)
            except queue.Empty:
                if time.monotonic() - heard > timeout_s:
                    raise TimeoutError from None
                continue
            if line is None:
                return
            heard = time.monotonic()
            yield json.loads(line)

    def go(self) -> None:
        """Tell a process that waits that it is its turn; one that has ended is told nothing."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write("\n")
            self.process.stdin.flush()

    def follow(
        self,
        finished: Finished,
        timeout_s: float,
        say: Callable[[str], None],
        stop: threading.Event,
    ) -> bool:
        """Handle events until the process waits for its turn (true) or has ended.

        The cell at which it ended before its time gets a row that says so, and leaves `cells`, or
        stays to be tried again.
        """
        current, late, waits = "", False, False
        rows: list[Row] = []
        try:
            for event in self._events(timeout_s, stop):
                if event["event"] == "start":
                    current, rows = event["cell_id"], []
                elif event["event"] == "progress":
                    say(f"{self.cells[current]}  {event['text']}")
                elif event["event"] == "row":
                    rows.append(event["row"])
                elif event["event"] == "done":
                    finished(self.cells.pop(event["cell_id"]), self.job.round, rows)
                    current = ""
                elif event["event"] == "waiting":
                    waits = True
                    return True
        except TimeoutError:
            late = True
        except KeyboardInterrupt:
            stop.set()  # nobody waits for what it would still say
            raise
        finally:
            if not waits:
                said = self.end(grace_s=0 if late or stop.is_set() else 5)
        if self.cells and not stop.is_set():
            lost = self.cells.pop(current or next(iter(self.cells)))
            if not late and self.died is not None and lost.cell_id not in self.died:
                self.died.add(lost.cell_id)
                self.cells[lost.cell_id] = lost  # after the others, in another process
                return False
            row = self._obituary(late, timeout_s, said)
            if self.died and lost.cell_id in self.died:
                row["reason"] = f"twice: {row['reason']}"
            finished(lost, self.job.round, [row])
        return False

    def end(self, grace_s: float = 0) -> str:
        """End the process and all it started; what it wrote to standard error goes to the log."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=grace_s)
        with suppress(ProcessLookupError):  # It leaves nobody behind: compilers have helpers.
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._alive)
        said = self.errors.read_bytes()
        with suppress(OSError), self.log.open("ab") as log:  # without room the run says so itself
            log.write(said)
        self._folder.cleanup()
        return said.decode(errors="replace").strip()

    def _obituary(self, late: bool, timeout_s: float, said: str) -> Row:
        if late:
            return {"status": "timeout", "reason": f"no answer within {timeout_s:g} s; killed"}
        code = self.process.returncode
        if code == -signal.SIGKILL:
            return {"status": "oom", "reason": "killed by the system, as when memory runs out"}
        words = said.splitlines()[-1][:300] if said else "nothing"
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return {"status": "failed", "reason": f"the process ended with {how}; it said: {words}"}
