"""Compile caches: one to each process, so that every compilation is cold, or one kept for a run.

Kept, the first round fills it and later rounds start with it: quicker, and their rows say `warm`,
so that their compile times are not taken for what compiling costs.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STATE = "CAMPARISON_CACHE"
"""The environment variable that says `cold` or `warm` in a child."""

OWN = ("CAMPARISON_COLUMN", "CAMPARISON_PRECISION", "CAMPARISON_ALLOCATOR")
"""What tells the processes of a round from each other: each has a cache of its own."""


@contextmanager
def compile_cache(kept: str | None, number: int) -> Iterator[Path]:
    """The folder where this process, in round `number`, keeps what it compiles, while it runs.

    It is warm only where it held something at the start. The first round empties a kept one, also
    when it is begun again after a kill. Call it before any framework is imported.
    """
    os.environ["JAX_COMPILATION_CACHE_DIR"] = ""
    with tempfile.TemporaryDirectory(prefix="camparison-") as fresh:
        place = Path(fresh)
        if kept:
            place = Path(kept) / "-".join(os.environ.get(name, "") for name in OWN)
            if number == 0:
                shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True, exist_ok=True)
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(place)
        os.environ[STATE] = state(place)
        yield place


def state(place: Path) -> str:
    """`warm` where something lies there, else `cold`."""
    return "warm" if place.is_dir() and any(place.iterdir()) else "cold"
