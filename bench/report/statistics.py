"""What processes say together: their typical time, its interval, and differences.

Within-process spread says little, so a process counts once, by the faster half of its calls.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

SPREAD = 0.10
"""A value whose interval is wider than this share of it is not stable."""
FAR = 0.10
"""A process counts as at most this far from the median of all."""
FACTOR = 1.05
"""Two cells differ where the intervals are disjoint and the factor exceeds this."""
MISSED = 0.025
"""How often a median may lie beyond either end of its interval."""


class Estimate(NamedTuple):
    """What is typical of processes, with its interval; NaN bounds where one process says it all.

    The interval is the 95 % one that order statistics give the median (Hahn and Meeker, Statistical
    Intervals, 1991), which of up to eight processes is their range: of five it holds the median in
    15 of 16 cases, of three in 3 of 4. Two cells that are equal have disjoint ranges in 1 case of
    126 for five processes each, in 1 of 10 for three.
    """

    value: float
    low: float
    high: float
    processes: int
    stable: bool

    def scaled(self, factor: float) -> Estimate:
        """The same in another unit, `factor` > 0."""
        scaled = (self.value * factor, self.low * factor, self.high * factor)
        return Estimate(*scaled, self.processes, self.stable)

    def at(self, value: float) -> Estimate:
        """The same interval about another value, which it is widened to hold."""
        low, high = min(self.low, value), max(self.high, value)  # NaN bounds stay
        return self._replace(value=value, low=low, high=high)


def estimate(values: Sequence[float]) -> Estimate:
    """The estimate from one positive value a process.

    Raises ValueError where there is none, or one that is not finite.
    """
    found = np.sort(np.asarray(values, np.float64))
    if not len(found) or not np.isfinite(found).all():
        raise ValueError(f"an estimate needs finite values, one a process, not {list(values)}")
    value, n = typical(found), len(found)
    if n == 1:
        return Estimate(value, math.nan, math.nan, 1, True)
    beyond = left_out(n)
    held = Estimate(value, float(found[beyond]), float(found[n - 1 - beyond]), n, True).at(value)
    return held._replace(stable=held.high - held.low <= SPREAD * value)


def left_out(n: int) -> int:
    """How many of `n` values the 95 % interval of their median leaves out at either end."""
    beyond, below = 0, 0.5**n
    while below + math.comb(n, beyond + 1) * 0.5**n <= MISSED:
        beyond += 1
        below += math.comb(n, beyond) * 0.5**n
    return beyond


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


def typical(values: Iterable[float]) -> float:
    """What positive values, one a process, speak for: their geometric mean, none alone deciding.

    Each counts as at most `FAR` away from their median, so that of three or more a process that
    went wrong moves it little (Huber, Robust estimation of a location parameter, 1964, in one
    step), where the median itself wastes a quarter of what three processes tell. Raises ValueError
    of none.
    """
    found = np.asarray(list(values), np.float64)
    if not len(found):
        raise ValueError("what is typical needs a value")
    logs = np.log(found)
    median, far = np.median(logs), math.log1p(FAR)
    value = math.exp(float(median + np.clip(logs - median, -far, far).mean()))
    return min(max(value, float(found.min())), float(found.max()))  # but for rounding, it is within


def factor(a: float, b: float) -> float:
    """How many times the larger of two positive values is the smaller, >= 1."""
    return max(a, b) / min(a, b)


def different(a: Estimate, b: Estimate) -> bool:
    """Whether two cells differ: disjoint intervals and a factor over `FACTOR`.

    Never where one of them has no interval.
    """
    disjoint = a.high < b.low or b.high < a.low  # NaN compares false
    return disjoint and factor(a.value, b.value) > FACTOR


def geometric_mean(values: Iterable[float]) -> float:
    """The geometric mean of positive values; NaN of none."""
    logs = [math.log(value) for value in values]
    return math.exp(math.fsum(logs) / len(logs)) if logs else math.nan
