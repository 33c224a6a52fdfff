"""Figures in one style. Made without pyplot, so nothing is kept open and no display is needed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

POINTS = 400
"""More points than this on a line are not seen, and make a large file."""


def missing() -> str | None:
    """Why nothing can be drawn here, or None."""
    return None if find_spec("matplotlib") else "matplotlib is not installed"


def panels(count: int, width: float, height: float, across: int = 3) -> tuple[Any, list[Any]]:
    """A figure and `count` axes, `across` in a row, each of so many inches."""
    from matplotlib.figure import Figure

    columns = min(count, across)
    rows = -(-count // columns)
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for spare in axes[count:]:
        spare.set_visible(False)
    return figure, axes[:count]


def colours(names: Sequence[str]) -> dict[str, Any]:
    """A colour for each name: the same names in any order get the same colours."""
    import matplotlib as mpl

    palette = mpl.colormaps["tab10" if len(set(names)) <= 10 else "tab20"]
    return {name: palette(i % palette.N) for i, name in enumerate(sorted(set(names)))}


def thinned(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Steps, means over blocks of steps, and a block's length: at most `POINTS` points."""
    block = -(-len(values) // POINTS)
    starts = np.arange(0, len(values), block)
    counts = np.diff(np.append(starts, len(values)))
    means = np.add.reduceat(values, starts) / counts
    return starts + (counts + 1) / 2, means, block
