"""What figures need, and how many points of a line they show."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

NEEDED = ("altair", "matplotlib", "vl_convert")
POINTS = 400
"""More points than this on a line are not seen, and make a large file."""


def missing() -> str | None:
    """Why nothing can be drawn here, or None."""
    absent = [name for name in NEEDED if find_spec(name) is None]
    return f"{', '.join(absent)} not installed" if absent else None


def thinned(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Steps, means over blocks of steps, and a block's length: at most `POINTS` points."""
    block = -(-len(values) // POINTS)
    starts = np.arange(0, len(values), block)
    counts = np.diff(np.append(starts, len(values)))
    means = np.add.reduceat(values, starts) / counts
    return starts + (counts + 1) / 2, means, block
