"""Spearman's rank correlation over positions: the same order, whatever the scale.

Ties get the average of their ranks. 1 is the same order, -1 the reverse. NaN where either map is
constant, it has no order, or has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric, pearson
from bench.subject.heatmaps import rows, sound

METRIC = Metric(
    title="Spearman rank correlation", better="none", needs={"other"}, scale="correlation"
)


def measure(case: Case) -> NDArray[np.float64]:
    """Rank correlation (N,) of two heatmaps (N, H, W), -1 to 1."""
    from scipy.stats import rankdata

    (one, known), (other, too) = sound(case.maps), sound(case.other)
    a, b = (rankdata(rows(maps), method="average", axis=1)[:, None] for maps in (one, other))
    return np.where(known & too, pearson.measure(Case(a, other=b)), np.nan)
