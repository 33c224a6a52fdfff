"""The picture of `prototype`: of each class where it began, what was grown, and what changed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 32
"""Classes in one picture."""


def drawn(starts: NDArray[Any], grown: NDArray[Any], titles: Sequence[str]) -> bytes:
    """A PNG of a column a class: start, prototype and their difference, red where it grew.

    Both are (N, H, W, C), drawn clipped to [0, 1].
    """
    from matplotlib.figure import Figure

    shown = min(len(starts), MOST)
    figure = Figure(figsize=(max(1.2 * shown, 2.4), 4.2), layout="constrained")
    axes = figure.subplots(3, shown, squeeze=False)
    for column, (start, made) in enumerate(zip(starts[:shown], grown[:shown], strict=True)):
        change = (made - start).mean(axis=-1)
        peak = float(np.abs(change).max()) or 1.0
        for row, image in enumerate((start, made)):
            axes[row, column].imshow(_painted(image), vmin=0, vmax=1, cmap="gray")
        axes[2, column].imshow(change, vmin=-peak, vmax=peak, cmap="bwr")
        axes[0, column].set_title(titles[column], fontsize=8)
    for name, axis in zip(("start", "prototype", "change"), axes[:, 0], strict=True):
        axis.set_ylabel(name, fontsize=8)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def _painted(image: NDArray[Any]) -> NDArray[Any]:
    """What `imshow` takes of (H, W, C): colours where there are three, else their mean."""
    clipped: NDArray[Any] = np.clip(image, 0, 1)
    return clipped if image.shape[2] == 3 else clipped.mean(axis=2)
