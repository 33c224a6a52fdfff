"""Completeness gap (Sundararajan et al. 2017, arXiv 1703.01365): how far a map's sum is off.

|sum h - (s(x) - s(x0))| / |s(x) - s(x0)| at the map's own size, of methods that promise it: the
score s and the baseline x0 are as the method declares. 0 is complete, and of integrated gradients
it is the error of the quadrature. NaN where the two scores differ by less than 1e-6 of the largest
logit; `completeness_absolute` is the gap itself, in the score's unit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric

PAPER = "Sundararajan et al. 2017, arXiv 1703.01365"
METRIC = Metric(
    title="completeness gap", paper=PAPER, better="lower", needs={"sums"},
    scale="unbounded",
    columns={
        "completeness_absolute": Metric(
            title="absolute completeness gap", paper=PAPER, unit="of the score", better="lower",
            scale="unbounded",
        ),
    },
)  # fmt: skip
LEAST = 1e-6
"""Of the largest logit: a smaller difference of scores is none."""


def measure(case: Case) -> dict[str, NDArray[np.float64]]:
    """Relative and absolute gap (N,), 0 and up."""
    total, promised, largest = case.sums
    with np.errstate(invalid="ignore"):
        gap = np.abs(total - promised)
    gap = np.where(np.isfinite(gap), gap, np.nan)
    enough = np.abs(promised) >= LEAST * largest
    enough &= promised != 0
    relative = gap / np.where(enough, np.abs(promised), 1.0)
    return {
        "completeness_gap": np.where(enough, relative, np.nan),
        "completeness_absolute": gap,
    }
