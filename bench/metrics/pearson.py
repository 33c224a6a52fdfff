"""Pearson's correlation over positions: the same map up to a factor and an offset.

1 is alike, 0 unrelated, -1 opposite. NaN where either map is constant: it has no correlation, or
has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import constant, unit_rows

METRIC = Metric(title="Pearson correlation", better="higher", needs={"other"}, scale="correlation")


def measure(case: Case) -> NDArray[np.float64]:
    """Correlation (N,) of two heatmaps (N, H, W), -1 to 1."""
    a, b = case.maps, case.other
    x, y = unit_rows(a), unit_rows(b)
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    norms = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    undefined = constant(a) | constant(b) | (norms == 0)
    correlation = (x * y).sum(axis=1) / np.where(undefined, 1.0, norms)
    return np.where(undefined, np.nan, np.clip(correlation, -1, 1))
