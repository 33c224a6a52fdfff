"""Cosine of the angle between two heatmaps as vectors: the same map up to a positive factor.

1 is alike, 0 at right angles, -1 opposite. NaN where either map is zero: it has no direction, or
has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import unit_rows, zero_maps

METRIC = Metric(title="cosine similarity", better="none", needs={"other"}, scale="correlation")


def measure(case: Case) -> NDArray[np.float64]:
    """Cosine (N,) of two heatmaps (N, H, W), -1 to 1."""
    a, b = case.maps, case.other
    x, y = unit_rows(a), unit_rows(b)
    undefined = zero_maps(a) | zero_maps(b)
    norms = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    cosine = (x * y).sum(axis=1) / np.where(undefined, 1.0, norms)
    return np.where(undefined, np.nan, np.clip(cosine, -1, 1))
