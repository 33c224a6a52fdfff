"""The other machines' side of Ray's engine: a job in, events out, with the files that it makes."""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
import queue
import random
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from bench.engine import processes, scratch
from bench.engine.child import ROOT, Job
from bench.engine.travel import Changes, Unpacked
from bench.record import machine
from bench.record.cell import Cell
from implementations.errors import BadInput

CODE = ("bench", "implementations", "datasets")
CHECKOUT = "the checkout"
CORE = "\0camparison-core-{}"
"""The name, in no folder, that who computes on a core holds: it is free again when that ends."""
About = dict[str, str]


class Done(NamedTuple):
    """A cell has all its rows; `changes` are the files that were made meanwhile.

    `machine` describes where it had a whole node: the machine that its rows name.
    """

    cell_id: str
    rows: list[dict[str, Any]]
    changes: Changes
    machine: Mapping[str, Any] = MappingProxyType({})


class Said(NamedTuple):
    """What a cell tells meanwhile."""

    text: str
    changes: Changes


class Ended(NamedTuple):
    """All is done: seconds outside the child processes, and what these wrote to standard error."""

    outside: float
    log: bytes


Event = Done | Said | Ended


@cache
def about() -> About:
    """The code and the packages of this process: equal on machines that may share a run."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in CODE for path in (ROOT / folder).rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return {
        CHECKOUT: digest.hexdigest()[:12],
        "python": platform.python_version(),
        **machine.versions(),
    }


def check(expected: About) -> None:
    """Raises BadInput where this machine's code or packages are not the driver's."""
    mine = about()
    for name in [*expected, *mine]:
        here, there = (each.get(name, "absent") for each in (mine, expected))
        if here != there:
            mend = "take the same commit" if name == CHECKOUT else "install the same environment"
            node = f"node {socket.gethostname()} ({ROOT})"
            raise BadInput(f"{node}: {name} is {here}, the driver's is {there}; {mend} there")


@contextmanager
def cores(n: int) -> Iterator[tuple[int, ...]]:
    """So many cores of this machine that no other job has, while there are enough."""
    allowed = sorted(os.sched_getaffinity(0))
    held: dict[int, socket.socket] = {}
    for core in allowed:
        if len(held) < n:
            mine = socket.socket(socket.AF_UNIX)
            try:
                mine.bind(CORE.format(core))
                held[core] = mine
            except OSError:
                mine.close()
    try:
        yield tuple(held if len(held) == n else random.sample(allowed, min(n, len(allowed))))
    finally:
        for mine in held.values():
            mine.close()


def work(
    expected: About,
    job: Job,
    files: Mapping[str, str],
    fetch: Callable[[str], Any],
    n_cores: int,
    timeout_s: float,
) -> Iterator[Event]:
    """Run a job whose `context` and `files` are as `travel` packs them. Raises BadInput.

    Of no cores it has the machine for itself: its rows name that, and what its stage holds a
    machine's times against is of this one, `here(cells, context)` of its module.
    """
    check(expected)
    whole = machine.describe() if not n_cores else {}
    named = {"machine_id": whole["machine_id"]} if whole else {}
    scratch.guard()
    events: queue.SimpleQueue[Event | BaseException] = queue.SimpleQueue()
    stop = threading.Event()
    kept = scratch.folder() / "kept"
    with tempfile.TemporaryDirectory(dir=scratch.folder()) as folder, cores(n_cores) as mine:
        log = Path(folder) / "log"
        place = Unpacked(Path(folder), kept, job.context, files, fetch)
        here = getattr(importlib.import_module(job.module), "here", None) if whole else None
        context = here(job.cells, place.context) if here else place.context
        job = replace(job, context=context, cores=mine)

        def finished(cell: Cell, _: int, rows: list[dict[str, Any]]) -> None:
            events.put(Done(cell.cell_id, [{**r, **named} for r in rows], place.changes(), whole))

        def run() -> None:
            try:
                say = lambda text: events.put(Said(text, place.changes()))  # noqa: E731
                outside = processes.run([job], finished, timeout_s, log, say, stop)
                events.put(Ended(outside, log.read_bytes() if log.exists() else b""))
            except BaseException as error:
                events.put(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            while True:
                event = events.get()
                if isinstance(event, BaseException):
                    raise event
                yield event
                if isinstance(event, Ended):
                    return
        finally:
            stop.set()
            with suppress(RuntimeError):
                thread.join()
