"""The parent's side: one process an environment and round, at work alone or by turns."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, groupby
from pathlib import Path
from typing import Any

import psutil

from bench.engine.child import Child, Finished, Job, told
from bench.record.cell import Cell

SIZE = 2e9
"""Bytes of memory left for a process that waits for its turn."""
READYING = 2
"""Processes that get ready at once where nothing of that is published."""


def plan(
    module: str, cells: Iterable[Cell], context: Mapping[str, Any], rounds: int, isolate: bool
) -> list[Job]:
    """Jobs in the order they run: round by round, environments interleaved, cells shuffled."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        key = told(cell) + (cell.cell_id if isolate else "")
        groups.setdefault(key, []).append(cell)
    jobs = []
    for number in range(rounds):
        shuffled = random.Random(number)
        order = list(groups.values())
        shuffled.shuffle(order)
        for group in order:
            jobs.append(Job(module, tuple(shuffled.sample(group, len(group))), context, number))
    return jobs


def together(jobs: Sequence[Job]) -> list[list[Job]]:
    """The jobs of each round, in parts: as many as the memory holds at a time."""
    most = max(int(psutil.virtual_memory().available / SIZE), 1)
    rounds = [list(mine) for _, mine in groupby(jobs, key=lambda job: job.round)]
    return [mine[n : n + most] for mine in rounds for n in range(0, len(mine), most)]


def run(
    jobs: Sequence[Job],
    finished: Finished,
    timeout_s: float,
    log: Path,
    say: Callable[[str], None],
    stop: threading.Event | None = None,
    ready_s: dict[str, float] | None = None,
) -> float:
    """Run jobs, one process at work at a time. Seconds spent outside the processes.

    A process that waits for its turn lets the next begin; when all have, they take turns, each time
    in another order, until they end. So what slows the machine for a while slows all of them. Only
    until they wait, while nothing is under the stopwatch, are two of `warm` jobs at work at once,
    and never on a GPU, where compilers try out what is fastest. They begin with what took longest
    in the round before, as `ready_s` has it by environment, so that none is left alone at the end.

    `finished(cell, round, rows)` is called once for each cell, as it ends; `say(text)` with what a
    cell tells meanwhile. A cell that ends its process has another try. A process at work that is
    silent for `timeout_s` seconds is killed. When `stop` is set all are killed and what they did
    not finish is not reported.
    """
    stop = stop or threading.Event()
    took = {} if ready_s is None else ready_s
    outside: list[float] = []
    waiting: list[Child] = []
    died: dict[int, set[str]] = {}

    def start(job: Job, cells: Iterable[Cell]) -> Child:
        began = time.perf_counter()
        child = Child(job, cells, log, died.setdefault(job.round, set()))
        outside.append(time.perf_counter() - began)
        return child

    def work(child: Child) -> None:
        """Until it waits; what it leaves when it ends early goes to another process."""
        while not child.follow(finished, timeout_s, say, stop):
            if not child.cells or stop.is_set():
                return
            child = start(child.job, child.cells.values())
        waiting.append(child)

    def begin(job: Job) -> None:
        if not stop.is_set():
            began = time.perf_counter()
            try:
                work(start(job, job.cells))
                took[job.environment] = time.perf_counter() - began
            except BaseException:
                stop.set()  # The one beside it does not go on alone.
                raise

    # To the end: a process dies with the thread that started it, as it would with this process.
    beside = all(job.warm and not job.on_gpu for job in jobs)
    with ThreadPoolExecutor(READYING if beside else 1) as pool:
        try:
            longest = sorted(jobs, key=lambda job: -took.get(job.environment, 0.0))
            list(pool.map(begin, longest if beside else jobs))
            for turn in count():
                if not waiting or stop.is_set():
                    return sum(outside)
                for child in random.Random(turn).sample(waiting, len(waiting)):
                    waiting.remove(child)
                    child.go()
                    work(child)
        finally:
            for child in waiting:
                child.end()
    return sum(outside)
