"""Insertion (Petsiuk et al. 2018, arXiv 1806.07421): the score as the highest pixels come first.

The target's probability with all positions filled but the n'_k highest, n'_k = P - n_(T-k): the
area under it as in `deletion`, with the same fill, order and ends. Read backwards it is deletion of
the lowest first. NaN where the map has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Curve, Metric
from bench.metrics.deletion import METRIC as DELETION
from bench.metrics.deletion import area, counts, curve

METRIC = Metric(
    title="insertion", paper="Petsiuk et al. 2018, arXiv 1806.07421",
    better="higher", needs={"model"}, budget=DELETION.budget,
)  # fmt: skip


def measure(case: Case) -> NDArray[np.float64]:
    """Area (N,) under the curve, 0 to 1."""
    removed = counts(case.maps[0].size)
    found = curve(case, highest=False)
    shown = (removed[-1] - removed) / removed[-1]
    case.curves["insertion"] = Curve(shown[::-1], found[:, ::-1])
    return area(found, removed)
