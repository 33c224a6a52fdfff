"""What processes say together: the median of per-process medians, its interval, and differences.

Within-process spread says little, so a process counts once, by its median.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 2000
SPREAD = 0.10
"""A median whose interval is wider than this share of it is not stable."""
FAR = 0.10
"""A round's ratio counts as at most this far from the median of all rounds."""
FACTOR = 1.05
"""Two cells differ where the intervals are disjoint and the factor exceeds this."""


class Estimate(NamedTuple):
    """A median over processes with its interval; NaN bounds where one process says it all.

    A 95 % bootstrap of the median, which for five processes or fewer is their range: that holds the
    true median in 15 of 16 cases for five, in 3 of 4 for three. Two cells that are equal have
    disjoint ranges in 1 case of 126 for five processes each, in 1 of 10 for three.
    """

    median: float
    low: float
    high: float
    processes: int
    stable: bool

    def scaled(self, factor: float) -> Estimate:
        """The same in another unit, `factor` > 0."""
        scaled = (self.median * factor, self.low * factor, self.high * factor)
        return Estimate(*scaled, self.processes, self.stable)


def estimate(medians: Sequence[float], seed: int = 0) -> Estimate:
    """The estimate from one median a process: percentile bootstrap over processes, seeded.

    Raises ValueError where there is no median, or one that is not finite.
    """
    values = np.asarray(medians, np.float64)
    if not len(values) or not np.isfinite(values).all():
        raise ValueError(f"an estimate needs finite medians, one a process, not {list(medians)}")
    median = float(np.median(values))
    if len(values) == 1:
        return Estimate(median, math.nan, math.nan, 1, True)
    picked = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(np.median(values[picked], axis=1), [2.5, 97.5])
    stable = bool(high - low <= SPREAD * abs(median))
    return Estimate(median, float(low), float(high), len(values), stable)


def middle(values: Iterable[float]) -> float:
    """The median of the values that are finite; NaN of none."""
    finite = [value for value in values if math.isfinite(value)]
    return float(np.median(finite)) if finite else math.nan


def quick(samples: Sequence[float]) -> float:
    """The mean of the faster half of some samples: what a call takes where little disturbs it.

    What else a machine does only ever adds to a time, on some for moments all the while (Chen and
    Revels, Robust benchmarking in noisy environments, 2016, take the least of all, which says less
    where nothing disturbs). Raises ValueError of none.
    """
    if not len(samples):
        raise ValueError("a mean needs a sample")
    return float(np.sort(np.asarray(samples, np.float64))[: (len(samples) + 1) // 2].mean())


def typical_ratio(ratios: Iterable[float]) -> float:
    """What positive ratios, one a round, speak for: their geometric mean, no one alone deciding.

    Each counts as at most `FAR` away from their median, so that of three or more a round that
    went wrong moves it little (Huber, Robust estimation of a location parameter, 1964, in one
    step), where the median itself wastes a quarter of what three rounds tell. Raises ValueError of
    none.
    """
    logs = np.log(np.asarray(list(ratios), np.float64))
    if not len(logs):
        raise ValueError("a typical ratio needs a ratio")
    median, far = np.median(logs), math.log1p(FAR)
    return math.exp(float(median + np.clip(logs - median, -far, far).mean()))


def factor(a: float, b: float) -> float:
    """How many times the larger of two positive values is the smaller, >= 1."""
    return max(a, b) / min(a, b)


def different(a: Estimate, b: Estimate) -> bool:
    """Whether two cells differ: disjoint intervals and a factor over `FACTOR`.

    Never where one of them has no interval.
    """
    disjoint = a.high < b.low or b.high < a.low  # NaN compares false
    return disjoint and factor(a.median, b.median) > FACTOR


def geometric_mean(values: Iterable[float]) -> float:
    """The geometric mean of positive values; NaN of none."""
    logs = [math.log(value) for value in values]
    return math.exp(math.fsum(logs) / len(logs)) if logs else math.nan
