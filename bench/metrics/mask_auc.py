"""Area under the ROC curve of the object's mask: whether a place on it is above a place off it.

P(inside > outside) + P(inside = outside) / 2 over all such pairs, by average ranks: the map as a
classifier of positions (as in sklearn's `roc_auc_score`). Chance, and so a constant map, is 0.5
whatever the object's size; the mask itself is 1. NaN where the mask is empty or whole, or the map
has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import peak, rows

METRIC = Metric(title="AUC of the mask", better="higher", needs={"mask"}, finding=True)


def measure(case: Case) -> NDArray[np.float64]:
    """Area (N,) of heatmaps (N, H, W) against masks (N, H, W), 0 to 1."""
    from scipy.stats import rankdata

    values, inside = rows(case.maps), rows(case.masks) > 0
    ours = inside.sum(axis=1)
    pairs = ours * (inside.shape[1] - ours)
    ranks = rankdata(values, method="average", axis=1)
    above = (ranks * inside).sum(axis=1) - ours * (ours + 1) / 2
    undefined = (pairs == 0) | ~np.isfinite(peak(case.maps))
    return np.where(undefined, np.nan, above / np.maximum(pairs, 1))
