"""Samples of a cell: how many visits it needs, more where they scatter, and what samples say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

SURE = 0.035
"""Standard error of a process's median, of the median, that visits aim at."""
KEPT = 50
"""Samples that a row has at most; what is said of them is of all."""


def quartiles(samples: Sequence[float]) -> float:
    """How far the lower and the upper quartile lie apart."""
    low, high = np.percentile(samples, [25, 75])
    return float(high - low)


def enough(visits: Sequence[float]) -> float:
    """How many visits make the median as sure as `SURE`, by the scatter of the medians of these.

    Of n values of normal noise the median's standard error is sqrt(pi / 2n) sigma, and their
    quartiles lie 1.349 sigma apart (Kendall and Stuart, The Advanced Theory of Statistics, 10.10).
    """
    if not visits:
        return 0.0
    sigma = quartiles(visits) / 1.349
    return math.pi / 2 * (sigma / (SURE * float(np.median(visits)))) ** 2


def figures(samples: Sequence[float]) -> dict[str, Any]:
    """The cost columns that samples, in seconds and in order of time, are enough for."""
    kept = np.linspace(0, len(samples) - 1, min(len(samples), KEPT)).round().astype(int)
    return {
        "samples_ns": [round(1e9 * samples[number]) for number in kept],
        "median_ms": 1e3 * float(np.median(samples)),
        "iqr_ms": 1e3 * quartiles(samples),
        "min_ms": 1e3 * min(samples),
        "p95_ms": 1e3 * float(np.percentile(samples, 95)),
    }
