"""What a user asks of the stages, and how a stage's cells are run to the last one."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import datasets
from bench import processes
from bench.cells import Cell
from bench.child import Job
from bench.inputs import prepare_images, shared_weights
from bench.progress import ticker
from bench.store import RESULTS, Row, Run
from implementations import architectures, frameworks, methods
from implementations.contract import MODES, BadInput
from implementations.frameworks import Column
from implementations.graph import unknown

PARTS = ("train", "steps", "agree", "time", "contrast")
"""The stages of the main job, in their order; `steps` are the first steps of trainings alone."""
UNNAMED = (("grid", "quick"), ("modes", MODES), ("stages", PARTS), ("cold", False))
"""Options that leave a run the one it was before there were such options."""
WARNINGS = ("failed", "wrong", "timeout", "oom")


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What the command line asks of `train`, `agree`, `time`, `contrast`, `compare` and `sweep`."""

    datasets: tuple[str, ...]
    architectures: tuple[str, ...]
    columns: tuple[Column, ...]
    methods: tuple[str, ...]
    device: str = "cpu"
    precisions: tuple[str, ...] = ("float32", "float64")
    n_images: int = 256
    batch: int = 64
    rounds: int = 5
    threads: int = 0
    grid: str = "quick"
    modes: tuple[str, ...] = MODES
    cold: bool = False
    stages: tuple[str, ...] = PARTS
    seeds: int = 1
    epochs: int | None = None
    isolate: bool = False
    timeout_s: float = 900.0
    data_dir: str | None = None
    allow_unverified: bool = False
    results: Path = RESULTS

    def identity(self) -> dict[str, Any]:
        """What makes a run the same run again. Raises BadInput for a broken JSON architecture."""
        named = {"architectures": tuple(map(architectures.file_name, self.architectures))}
        return {
            name: str(value)
            for name, value in {**vars(self), **named}.items()
            if name not in ("timeout_s", "results", "data_dir") and (name, value) not in UNNAMED
        }

    def context(self, run: Run) -> dict[str, Any]:
        """What every child is told beside its cells; images are put in place for them."""
        work = self.results / "work"
        out = work / "networks"
        out.mkdir(parents=True, exist_ok=True)
        images = {
            name: str(
                prepare_images(name, self.n_images, work, self.data_dir, self.allow_unverified)
            )
            for name in self.datasets
        }
        weights = {
            f"{dataset}/{architecture}/trained": str(
                shared_weights(dataset, architecture, self.results)
            )
            for dataset in self.datasets
            for architecture in self.architectures
        }
        return {
            "images": images,
            "weights": weights,
            "n_images": self.n_images,
            "oracle": str(work / "oracle"),
            "out": str(out),
            "data_dir": self.data_dir,
            "allow_unverified": self.allow_unverified,
        }


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
) -> list[Row]:
    """Run the cells that are not finished yet; the rows of all of them, old and new.

    `at_once` processes run side by side: never more than one where time is measured.
    """
    asked = list(cells)
    jobs = processes.plan(module, asked, context, rounds, isolate)
    jobs = [
        replace(job, cells=tuple(c for c in job.cells if not run.has(c, job.round))) for job in jobs
    ]
    jobs = [job for job in jobs if job.cells]
    parts = processes.together(jobs) if at_once == 1 else [[job] for job in jobs]
    total = sum(len(job.cells) for job in jobs)
    log = run.folder / "children.log"
    began, busy, lock = time.perf_counter(), time.process_time(), threading.Lock()
    with ticker(title, total) as progress:

        def finished(cell: Cell, number: int, rows: list[Row]) -> None:
            with lock:
                run.add(cell, number, rows)
            first = next((r for r in rows if r["status"] != "ok"), rows[0] if rows else {})
            status = str(first.get("status", "ok"))
            reason = f": {first['reason']}" if first.get("reason") else ""
            failed = [str(row["compared"]) for row in rows if row.get("agree") is False]
            wrong = f" DISAGREES at {', '.join(failed)}" if failed and status == "ok" else ""
            with lock:
                progress.tick(f"{cell} {status}{reason}{wrong}", ok=not wrong and status == "ok")

        stop = threading.Event()
        ready_s: dict[str, float] = {}
        free: queue.SimpleQueue[tuple[int, ...]] = queue.SimpleQueue()
        allowed = sorted(os.sched_getaffinity(0))
        for first_core in range(at_once):
            free.put(tuple(allowed[first_core::at_once]) if at_once > 1 else ())

        def run_jobs(jobs: Sequence[Job]) -> float:
            # Processes side by side have cores of their own: sharing them costs far more.
            cores = free.get()
            try:
                jobs = [replace(job, cores=cores) for job in jobs]
                return processes.run(jobs, finished, timeout_s, log, progress.say, stop, ready_s)
            finally:
                free.put(cores)

        with ThreadPoolExecutor(at_once) as pool:
            try:
                outside = sum(pool.map(run_jobs, parts))
            except BaseException:
                stop.set()  # Whatever ended the run, Ctrl-C too, no child outlives it.
                raise
    wall, parent = time.perf_counter() - began, time.process_time() - busy
    if total:
        spent = run.head.setdefault("seconds", {}).setdefault(title, {})
        told = (("wall", wall), ("outside_children", outside), ("parent_cpu", parent))
        for name, seconds in told:
            spent[name] = spent.get(name, 0.0) + seconds
    known = {cell.cell_id for cell in asked}
    return [row for row in run.rows if row["cell_id"] in known]


def side_by_side() -> int:
    """How many processes to run at once where nothing is timed; each has cores of its own."""
    return max(min(len(os.sched_getaffinity(0)), 4), 1)


def disagreements(rows: Iterable[Row]) -> list[Row]:
    """The rows that fail a check or broke: what makes the exit status 3."""
    return [r for r in rows if r.get("agree") is False or r["status"] in WARNINGS]


def pick_columns(names: Iterable[str] | None) -> tuple[Column, ...]:
    """Columns by label or framework; `keras` means each of its backends. Raises BadInput."""
    if not names:
        return frameworks.columns()
    chosen: list[Column] = []
    for name in names:
        backends = [c for c in frameworks.columns() if c.framework == name]
        chosen += backends or [frameworks.column(*_label(name))]
    return tuple(dict.fromkeys(chosen))


def _label(name: str) -> tuple[str, str]:
    framework, _, backend = name.removesuffix("]").partition("[")
    return framework, backend


def pick_methods(names: Iterable[str] | None) -> tuple[str, ...]:
    """Methods by name; all of them where none is named. Raises BadInput."""
    return tuple(methods.load(name).name for name in names or methods.names())


def pick_datasets(names: Iterable[str]) -> tuple[str, ...]:
    """Data sets by name. Raises BadInput."""
    known = datasets.names()
    for name in names:
        if name not in known:
            raise BadInput(unknown("dataset", name, known))
    return tuple(names)
