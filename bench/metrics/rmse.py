"""Root mean square difference over positions, in the heatmaps' own unit.

0 is equal. It grows with the scale of the maps: give both in one unit, or normalised alike. NaN
where either map has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import rows, sound

METRIC = Metric(
    title="RMSE", unit="of the heatmap",
    better="lower", needs={"other"}, scale="unbounded",
)  # fmt: skip


def measure(case: Case) -> NDArray[np.float64]:
    """Root mean square difference (N,) of two heatmaps (N, H, W), 0 and up."""
    (a, known), (b, too) = sound(case.maps), sound(case.other)
    difference = rows(a) - rows(b)
    root = np.sqrt((difference * difference).mean(axis=1))
    return np.where(known & too, root, np.nan)
