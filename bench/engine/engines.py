"""The engine that is this machine: child processes, side by side on cores of their own."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from bench.engine import processes
from bench.engine.child import Finished, Job
from implementations.errors import BadInput


class Engine(Protocol):
    """What runs jobs: this machine, or others by Ray (`bench/engine/cluster.py`).

    `machines` describes by their ids, as `bench.record.machine` does, those that rows name: a row
    without one is of this machine, or of any.
    """

    machines: dict[str, dict[str, Any]]

    def run(
        self,
        jobs: Sequence[Job],
        finished: Finished,
        *,
        at_once: int,
        timeout_s: float,
        log: Path,
        say: Callable[[str], None],
    ) -> float:
        """Run jobs to the last cell; seconds spent outside their processes.

        `finished(cell, round, rows)` is called once for each cell, as it ends, from any thread,
        and whatever it raises ends all jobs and is raised here. `log` is the file to which is added
        what children write to standard error.
        """

    def alone(self) -> None:
        """Raises BadInput where others may compute beside what is timed."""


class Local:
    """The machine that this runs on: `at_once` jobs side by side, one where time is measured."""

    def __init__(self) -> None:
        self.machines: dict[str, dict[str, Any]] = {}

    def run(
        self,
        jobs: Sequence[Job],
        finished: Finished,
        *,
        at_once: int,
        timeout_s: float,
        log: Path,
        say: Callable[[str], None],
    ) -> float:
        """Processes side by side have cores of their own: sharing them costs far more."""
        parts = processes.together(jobs) if at_once == 1 else [[job] for job in jobs]
        stop = threading.Event()
        ready_s: dict[str, float] = {}
        free: queue.SimpleQueue[tuple[int, ...]] = queue.SimpleQueue()
        allowed = sorted(os.sched_getaffinity(0))
        for first in range(at_once):
            free.put(tuple(allowed[first::at_once]) if at_once > 1 else ())

        def work(part: Sequence[Job]) -> float:
            cores = free.get()
            try:
                mine = [replace(job, cores=cores) for job in part]
                return processes.run(mine, finished, timeout_s, log, say, stop, ready_s)
            finally:
                free.put(cores)

        with ThreadPoolExecutor(at_once) as pool:
            try:
                return sum(pool.map(work, parts))
            except BaseException:
                stop.set()  # Whatever ended the run, Ctrl-C too, no child outlives it.
                raise

    def alone(self) -> None:
        """Nothing of this command computes beside what it times."""


LOCAL = Local()


def engine(name: str, address: str = "", exclusive: bool = False) -> Engine:
    """An engine, `local` or `ray`. Raises BadInput, Unavailable where Ray is not installed."""
    if name == "local":
        for option, given in (("--address", address), ("--exclusive", exclusive)):
            if given:
                raise BadInput(f"{option} is of --engine ray; name that too, or leave it out")
        return LOCAL
    from bench.engine.cluster import Cluster

    return Cluster(address, exclusive)
