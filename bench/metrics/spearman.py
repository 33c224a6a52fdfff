"""Spearman's rank correlation over positions: the same order, whatever the scale.

Ties get the average of their ranks. 1 is the same order, -1 the reverse. NaN where either map is
constant: it has no order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics import pearson
from bench.subject.heatmaps import rows

TITLE = "Spearman rank correlation"
UNIT = ""
BETTER = "higher"
KIND = "likeness"


def measure(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Rank correlation (N,) of two heatmaps (N, H, W), -1 to 1."""
    from scipy.stats import rankdata

    ranks = (rankdata(rows(heatmap), method="average", axis=1) for heatmap in (a, b))
    return pearson.measure(*ranks)
