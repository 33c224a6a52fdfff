"""Relevance rank accuracy (Arras et al. 2022, arXiv 2003.07258): the highest places on the object.

Of the K positions with the highest values, K the size of the mask, the share inside the mask, 0 to
1. Positions tied for the last places share them in equal parts, so a constant map scores the
object's share of the image. NaN where the mask is empty, or the map has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import rows, top_share

METRIC = Metric(
    title="relevance rank", paper="Arras et al. 2022, arXiv 2003.07258",
    better="higher", needs={"mask"}, finding=True,
)  # fmt: skip


def measure(case: Case) -> NDArray[np.float64]:
    """Share (N,) of the top positions of heatmaps (N, H, W) inside the masks (N, H, W)."""
    inside = rows(case.masks) > 0
    size = inside.sum(axis=1)
    hits = (top_share(case.maps, size) * inside).sum(axis=1) / np.maximum(size, 1)
    return np.where(size == 0, np.nan, np.minimum(hits, 1))
