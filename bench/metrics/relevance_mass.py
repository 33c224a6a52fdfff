"""Relevance mass accuracy (Arras et al. 2022, arXiv 2003.07258): evidence that lies on the object.

The positive values inside the mask over all positive values, 0 to 1; a constant map scores the
object's share of the image. NaN where nothing is positive, or something is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import rows, unit_rows

METRIC = Metric(
    title="relevance mass", paper="Arras et al. 2022, arXiv 2003.07258",
    better="higher", needs={"mask"}, finding=True,
)  # fmt: skip


def measure(case: Case) -> NDArray[np.float64]:
    """Share (N,) of the positive mass of heatmaps (N, H, W) inside the masks (N, H, W)."""
    mass = np.maximum(unit_rows(case.maps), 0)
    total = mass.sum(axis=1)
    inside = np.where(rows(case.masks) > 0, mass, 0).sum(axis=1)
    share = inside / np.where(total == 0, 1.0, total)
    return np.where((total == 0) | np.isnan(total), np.nan, np.minimum(share, 1))
