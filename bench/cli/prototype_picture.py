"""The picture of `prototype`: of each class where it began, what was grown, and what changed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.subject import lettering

MOST = 32
"""Classes in one picture."""
INCH, LETTERS = 1.2, 8
"""A column's width, and points of its letters."""
ROOM = 0.9 * 72 * INCH
"""Points of a column that the labels at the left leave."""


def drawn(starts: NDArray[Any], grown: NDArray[Any], titles: Sequence[str]) -> bytes:
    """A PNG of a column a class: start, prototype and their difference, red where it grew.

    Both are (N, H, W, C), drawn clipped to [0, 1].
    """
    buffer = io.BytesIO()
    figure(starts, grown, titles).savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def figure(starts: NDArray[Any], grown: NDArray[Any], titles: Sequence[str]) -> Any:
    """The figure of `drawn`; each line of a title keeps to its column."""
    from matplotlib.figure import Figure

    shown = min(len(starts), MOST)
    made = Figure(figsize=(max(INCH * shown, 2 * INCH), 4.2), layout="constrained")
    axes = made.subplots(3, shown, squeeze=False)
    for column, (start, end) in enumerate(zip(starts[:shown], grown[:shown], strict=True)):
        change = (end - start).mean(axis=-1)
        peak = float(np.abs(change).max()) or 1.0
        for row, image in enumerate((start, end)):
            axes[row, column].imshow(_painted(image), vmin=0, vmax=1, cmap="gray")
        axes[2, column].imshow(change, vmin=-peak, vmax=peak, cmap="bwr")
        lines = titles[column].split("\n")
        told = [part for line in lines for part in lettering.fitted(line, ROOM, LETTERS)]
        axes[0, column].set_title("\n".join(told), fontsize=LETTERS)
    for name, axis in zip(("start", "prototype", "change"), axes[:, 0], strict=True):
        axis.set_ylabel(name, fontsize=LETTERS)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    return made


def _painted(image: NDArray[Any]) -> NDArray[Any]:
    """What `imshow` takes of (H, W, C): colours where there are three, else their mean."""
    clipped: NDArray[Any] = np.clip(image, 0, 1)
    return clipped if image.shape[2] == 3 else clipped.mean(axis=2)
