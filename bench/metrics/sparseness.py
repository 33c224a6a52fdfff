"""Sparseness: the Gini index of the map's magnitudes (Hurley & Rickard 2009, arXiv 0811.4706).

sum (2i - P - 1) |h|_(i) / (P sum |h|), the P magnitudes in rising order: 0 of a constant map, of k
equal values among zeros 1 - k / P. Neither a sparse map nor a broad one is good in itself. NaN
where the map is zero or has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import sound, unit_rows, zero_maps

METRIC = Metric(
    title="sparseness", paper="Hurley & Rickard 2009, arXiv 0811.4706", better="none"
)  # fmt: skip


def measure(case: Case) -> NDArray[np.float64]:
    """Gini index (N,) of heatmaps (N, H, W), 0 to 1."""
    maps, known = sound(case.maps)
    rising = np.sort(np.abs(unit_rows(maps)), axis=1)
    count = rising.shape[1]
    weights = 2 * np.arange(1, count + 1) - count - 1
    undefined, total = ~known | zero_maps(maps), rising.sum(axis=1)
    index = (rising * weights).sum(axis=1) / (count * np.where(undefined, 1.0, total))
    return np.where(undefined, np.nan, np.clip(index, 0, 1))
