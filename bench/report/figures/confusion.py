"""Confusion matrices of the trained networks, a panel for each column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report.canvas import panels
from bench.report.curves import PLACE
from bench.report.files import stem
from bench.report.frame import place
from bench.report.tables.training_per_class import pooled

TITLE = "Confusion"
STAGES = ("train",)


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`confusion_<data set>_<architecture>_..._<optimizer>`: rows true, columns predicted."""
    by_place: dict[tuple[str, ...], dict[str, NDArray[np.int64]]] = {}
    for (*where, column), (matrix, _) in pooled(frame).items():
        by_place.setdefault(tuple(where), {})[column] = matrix
    machines = frame["machine_id"].nunique()
    for values, matrices in by_place.items():
        key = dict(zip(PLACE, values, strict=False))
        named = values if machines > 1 else (*values[:3], values[-1])
        title = f"{TITLE}: {place(key, machines)}, {values[-1]}"
        yield stem("confusion", *named), _figure(title, matrices)


def _figure(title: str, matrices: dict[str, NDArray[np.int64]]) -> Any:
    figure, axes = panels(len(matrices), 3.6, 3.6)
    for axis, (column, matrix) in zip(axes, matrices.items(), strict=True):
        share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        if len(matrix) <= 20:
            for (row, across), count in np.ndenumerate(matrix):
                if count:
                    shade = "white" if share[row, across] > 0.5 else "black"
                    axis.text(
                        across, row, str(count), ha="center", va="center", size=6, color=shade
                    )
        axis.set_title(column, fontsize=9)
        axis.set_xlabel("predicted class")
        axis.set_ylabel("true class")
    figure.suptitle(title)
    return figure
