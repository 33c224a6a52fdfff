"""How many samples a cell needs: more where its calls scatter."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

SURE = 0.025
"""Standard error of a process's median, of the median, that sampling aims at."""


def quartiles(samples: Sequence[float]) -> float:
    """How far the lower and the upper quartile lie apart."""
    low, high = np.percentile(samples, [25, 75])
    return float(high - low)


def enough(samples: Sequence[float]) -> float:
    """How many samples make the median as sure as `SURE`, by the scatter of these.

    Of n samples of normal noise the median's standard error is sqrt(pi / 2n) sigma, and their
    quartiles lie 1.349 sigma apart (Kendall and Stuart, The Advanced Theory of Statistics, 10.10).
    """
    if not samples:
        return 0.0
    sigma = quartiles(samples) / 1.349
    return math.pi / 2 * (sigma / (SURE * float(np.median(samples)))) ** 2
