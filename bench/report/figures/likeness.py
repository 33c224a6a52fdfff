"""The likeness matrix of explainers as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench.report.canvas import panels
from bench.report.explainers import likeness_metrics, matrix, places
from bench.report.files import stem
from bench.report.frame import place

TITLE = "Likeness of explainers"
STAGES = ("contrast",)
LABELLED = 12
"""Up to so many explainers each square has its number; the CSV has them all."""


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`likeness_<data set>_<architecture>_..._<metric>`."""
    machines = frame["machine_id"].nunique()
    for key, explainers in places(frame):
        named = list(key.values())[: 4 if machines > 1 else 3]
        for metric in likeness_metrics(explainers):
            title = f"{metric}: {place(key, machines)}"
            yield stem("likeness", *named, metric), _figure(title, matrix(explainers, metric))


def _figure(title: str, table: pd.DataFrame) -> Any:
    import matplotlib as mpl

    values = table.to_numpy(float)
    side = max(3.5, 0.32 * len(table) + 2)
    figure, (axis,) = panels(1, side + 0.8, side)
    map_ = mpl.colormaps["RdBu"].with_extremes(bad="0.85")
    image = axis.imshow(np.ma.masked_invalid(values), cmap=map_, vmin=-1, vmax=1)
    axis.set_xticks(range(len(table)), table.columns, rotation=90, fontsize=7)
    axis.set_yticks(range(len(table)), table.index, fontsize=7)
    for (row, across), value in np.ndenumerate(values):
        if np.isfinite(value) and len(table) <= LABELLED:
            shade = "white" if abs(value) > 0.7 else "black"
            axis.text(across, row, f"{value:.2f}", ha="center", va="center", size=5, color=shade)
    figure.colorbar(image, ax=axis, shrink=0.7)
    axis.set_title(title, fontsize=9)
    return figure
