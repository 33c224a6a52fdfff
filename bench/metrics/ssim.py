"""Structural similarity of two heatmaps (Wang et al. 2004, IEEE TIP 13(4)).

Each map over its own largest magnitude, so the range L is 2: means, variances and the covariance
(of samples: over n - 1) in uniform windows of 7 x 7, or the largest odd side that fits, with
K1 = 0.01 and K2 = 0.03, averaged over the windows that lie inside the image: scikit-image's
`structural_similarity` with `data_range=2`. 1 is the same map, about 0 unrelated ones. NaN where
both maps are zero or either has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import sound, unit_rows, zero_maps

METRIC = Metric(
    title="structural similarity", paper="Wang et al. 2004, doi 10.1109/TIP.2003.819861",
    better="none", needs={"other"}, scale="correlation",
)  # fmt: skip
SIDE, K1, K2, RANGE = 7, 0.01, 0.03, 2.0
Floats = NDArray[np.float64]


def measure(case: Case) -> Floats:
    """Similarity (N,) of two heatmaps (N, H, W), -1 to 1."""
    shape = case.maps.shape
    (a, one), (b, other) = sound(case.maps), sound(case.other)
    x, y = (unit_rows(maps).reshape(shape) for maps in (a, b))
    side = min(SIDE, *shape[1:])
    side -= 1 - side % 2
    mean_x, mean_y, xx, yy, xy = (_boxes(each, side) for each in (x, y, x * x, y * y, x * y))
    samples = side * side / max(side * side - 1, 1)
    var_x, var_y = samples * (xx - mean_x**2), samples * (yy - mean_y**2)
    covariance = samples * (xy - mean_x * mean_y)
    c1, c2 = (K1 * RANGE) ** 2, (K2 * RANGE) ** 2
    above = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    similarity = np.clip((above / below).mean(axis=(1, 2)), -1, 1)
    undefined = ~(one & other) | zero_maps(a) & zero_maps(b)
    return np.where(undefined, np.nan, similarity)


def _boxes(values: Floats, side: int) -> Floats:
    """Means (N, H - side + 1, W - side + 1) of the windows inside (N, H, W)."""
    for axis in (1, 2):
        inside = np.lib.stride_tricks.sliding_window_view(values, side, axis=axis)
        values = inside.mean(axis=-1)
    return values
