"""Spearman's rank correlation over positions: the same order, whatever the scale.

Ties get the average of their ranks. 1 is the same order, -1 the reverse. NaN where either map is
constant: it has no order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric, pearson
from bench.subject.heatmaps import rows

METRIC = Metric(title="Spearman rank correlation", better="none", needs={"other"})


def measure(case: Case) -> NDArray[np.float64]:
    """Rank correlation (N,) of two heatmaps (N, H, W), -1 to 1."""
    from scipy.stats import rankdata

    a, b = (rankdata(rows(m), method="average", axis=1)[:, None] for m in (case.maps, case.other))
    return pearson.measure(Case(a, other=b))
