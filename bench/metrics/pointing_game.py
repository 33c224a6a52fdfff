"""Pointing game (Zhang et al. 2018, arXiv 1608.00507): whether the maximum lies on the object.

1 a hit, 0 a miss; where several positions share the maximum, the fraction of them on the object.
A constant map thus scores the object's share of the image, as chance does. No tolerance around the
object. NaN where the heatmap has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import rows

METRIC = Metric(
    title="pointing game", paper="Zhang et al. 2018, arXiv 1608.00507",
    better="higher", needs={"mask"}, finding=True,
)  # fmt: skip


def measure(case: Case) -> NDArray[np.float64]:
    """Share (N,) of the maxima of heatmaps (N, H, W) inside the masks (N, H, W), 0 to 1."""
    values = rows(case.maps)
    inside = rows(case.masks) > 0
    maxima = values == values.max(axis=1, keepdims=True)
    hits = (maxima & inside).sum(axis=1) / np.maximum(maxima.sum(axis=1), 1)
    return np.where(np.isfinite(values).all(axis=1), hits, np.nan)
