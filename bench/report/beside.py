"""Drawing in processes beside the tables: what one of them loses is drawn in this one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from itertools import chain
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

Drawing = Callable[[], list[Path]]
"""Draws, and returns the files; sent to another process."""
INTERRUPT = (signal.SIGINT,)


@contextmanager
def drawing(work: Sequence[Drawing]) -> Iterator[Iterator[Path]]:
    """Two processes at work while something else is done; the files, in order, once asked for."""
    with ProcessPoolExecutor(2, get_context("spawn"), _ready) as pool:
        held = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPT)  # as they have it until ready
        try:
            begun = [(_begun(pool, each), each) for each in work]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
        yield chain.from_iterable(_done(*each) for each in begun)


def _ready() -> None:
    """A process that draws ends with the one that asked, and at Ctrl-C, without a word."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPT)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _begun(pool: ProcessPoolExecutor, each: Drawing) -> Future[list[Path]] | None:
    with suppress(BrokenProcessPool):
        return pool.submit(each)
    return None


def _done(begun: Future[list[Path]] | None, each: Drawing) -> list[Path]:
    if begun is not None:
        with suppress(BrokenProcessPool):  # the process was killed, for its memory perhaps
            return begun.result()
    return each()
