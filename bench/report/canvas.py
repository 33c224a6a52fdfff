"""Figures in one style. Made without pyplot, so nothing is kept open and no display is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

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


class Dot(NamedTuple):
    """A value on a line of its own, with its interval (NaN for none).

    `sure` is False where a sign in the tables says that the value is not to be relied on.
    """

    name: str
    value: float
    low: float
    high: float
    sure: bool
    said: str = ""


def dots(axis: Any, found: Sequence[Dot], colour: Mapping[str, Any]) -> None:
    """Values from 0 on, a line each, the first at the top; hollow where they are not sure."""
    for line, dot in enumerate(found):
        mine = colour[dot.name]
        ends = [max(dot.value - dot.low, 0.0), max(dot.high - dot.value, 0.0)]
        bar = None if np.isnan(dot.low + dot.high) else [[end] for end in ends]
        axis.errorbar([dot.value], [line], xerr=bar, color=mine, fmt="o", ms=5, capsize=2, lw=1,
                      mfc=mine if dot.sure else "white")  # fmt: skip
        axis.annotate(dot.said, (dot.value, line), (0, 6), textcoords="offset points", fontsize=7,
                      ha="center")  # fmt: skip
    axis.set_yticks(range(len(found)), [dot.name for dot in found], fontsize=8)
    axis.set_ylim(len(found) - 0.4, -0.8)
    axis.set_xlim(left=0)
    axis.grid(axis="x", lw=0.4)


def thinned(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Steps, means over blocks of steps, and a block's length: at most `POINTS` points."""
    block = -(-len(values) // POINTS)
    starts = np.arange(0, len(values), block)
    counts = np.diff(np.append(starts, len(values)))
    means = np.add.reduceat(values, starts) / counts
    return starts + (counts + 1) / 2, means, block
