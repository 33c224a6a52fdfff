"""Root mean square difference over positions, in the heatmaps' own unit.

0 is equal. It grows with the scale of the maps: give both in one unit, or normalised alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.subject.heatmaps import rows

TITLE = "RMSE"
UNIT = "of the heatmap"
BETTER = "lower"
KIND = "likeness"


def measure(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Root mean square difference (N,) of two heatmaps (N, H, W), 0 and up."""
    difference = rows(a) - rows(b)
    root: NDArray[np.float64] = np.sqrt((difference * difference).mean(axis=1))
    return root
