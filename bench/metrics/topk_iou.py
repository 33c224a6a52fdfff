"""Intersection over union of the tenth of the positions with the highest values.

0 is disjoint, 1 the same. Two unrelated maps share 0.053 on average. Positions tied for the last
places share them in equal parts, so the zeros of two maps after ReLU count as no agreement in
one corner. NaN where either map is constant: it has no highest positions, or is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import constant, rows, top_share

METRIC = Metric(title="IoU of the top 10 %", better="none", needs={"other"})
SHARE = 0.1


def measure(case: Case) -> NDArray[np.float64]:
    """Intersection over union (N,) of two heatmaps (N, H, W), 0 to 1."""
    a, b = case.maps, case.other
    images, positions = rows(a).shape
    count = np.full(images, max(1, round(SHARE * positions)), np.int64)
    x, y = top_share(a, count), top_share(b, count)
    overlap = np.minimum(x, y).sum(axis=1) / np.maximum(x, y).sum(axis=1)
    return np.where(constant(a) | constant(b), np.nan, overlap)
