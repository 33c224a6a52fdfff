"""Compile caches: one to each cell, so that every compilation is cold, or kept for a run.

Cells of a process share no cache either: two that compile alike would otherwise be told apart by
which of them came first. Kept, the first round fills them and later rounds start with them:
quicker, and their rows say `warm`, so that nothing of their readying is taken for what it costs.

They hold pickles and shared objects, which are code. So they are kept in the command's own folder
for temporary files, never beside the results, and a run that goes on makes them anew.
"""

from __future__ import annotations

import getpass
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.engine import scratch

STATE = "CAMPARISON_CACHE"
"""The environment variable that says `cold` or `warm` in a child."""
FOLDER = "CAMPARISON_COMPILED"
"""That which has the folder that a process' compile caches lie in."""
INDUCTOR = "TORCHINDUCTOR_CACHE_DIR"


@contextmanager
def kept() -> Iterator[Path]:
    """A folder for what the rounds of one stage compile; only this command can have filled it."""
    with tempfile.TemporaryDirectory(
        prefix="compiled-", dir=scratch.folder(), ignore_cleanup_errors=True
    ) as place:
        yield Path(place)


@contextmanager
def compile_cache(folder: str | None, number: int) -> Iterator[Path]:
    """The folder where this process, in round `number`, keeps what it compiles, while it runs.

    It is warm where an earlier round has filled it. Call it before any framework is imported.
    """
    os.environ["JAX_COMPILATION_CACHE_DIR"] = ""
    os.environ.pop("TRITON_CACHE_DIR", None)  # then it lies in Inductor's
    os.environ[STATE] = "warm" if folder and number else "cold"
    with tempfile.TemporaryDirectory(prefix="camparison-", ignore_cleanup_errors=True) as fresh:
        place = Path(folder or fresh)
        place.mkdir(parents=True, exist_ok=True)
        os.environ[FOLDER] = os.environ[INDUCTOR] = str(place)
        if os.environ[STATE] == "warm":
            _keep_headers(place / "headers")
        yield place


@contextmanager
def of_its_own(name: str) -> Iterator[Path]:
    """While something named gets ready: a folder for what it alone compiles, empty where cold.

    So it is also when a round is begun again after a kill.
    """
    before = os.environ[INDUCTOR]
    place = Path(os.environ[FOLDER]) / name
    if os.environ[STATE] == "cold":
        shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, exist_ok=True)
    os.environ[INDUCTOR] = str(place)
    _forget()
    try:
        yield place
    finally:
        os.environ[INDUCTOR] = before
        _forget()


def _keep_headers(place: Path) -> None:
    """Let later rounds find PyTorch's precompiled headers: six seconds of each process' readying.

    They lie in the folder for temporary files, which here is each process' own, whatever the
    variables say.
    """
    place.mkdir(exist_ok=True)
    theirs = Path(tempfile.gettempdir()) / f"torchinductor_{getpass.getuser()}"
    if not theirs.exists():
        theirs.symlink_to(place)


def _forget() -> None:
    """What PyTorch's compiler remembers of kernels, beside what lies in its folder."""
    clear = getattr(sys.modules.get("torch._inductor.utils"), "clear_caches", None)
    if clear is not None:
        clear()
