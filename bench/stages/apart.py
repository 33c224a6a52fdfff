"""Which explainers a metric tells apart: paired differences, one family of tests, letters.

All explainers share each resample of the images (`summary.resamples`), so differences are paired.
A pair is told apart where |t|, its mean difference over its standard error, is above the 95th
percentile over resamples of the largest |t*| of the family, which holds the family at 5 % whatever
the correlations (Romano & Wolf 2005, doi 10.1198/016214504000000539), and where the difference is
large enough to matter. t* is the resampled mean difference less the mean difference, over the
standard error of the images: over that of the resample, one pair that differs in one image alone
would make it infinite for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.stages.summary import resamples

LEVEL = 95.0
AT_ONCE = 256
"""Pairs whose resamples are held at once."""
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Pairs(NamedTuple):
    """Differences of pairs (P,): mean, its interval, images, and whether they are told apart."""

    difference: Floats
    low: Floats
    high: Floats
    n: NDArray[np.int64]
    apart: Bools


def compare(
    values: Floats, pairs: Sequence[tuple[int, int]], matters: Callable[[Floats, Floats], Floats]
) -> Pairs:
    """Pairs (a, b) of columns of values (N, E), NaN where undefined: a less b.

    `matters(a, b)` is the least difference that counts of two means (P,). The pairs are one family.
    """
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    differences = values[:, first] - values[:, second]
    defined = np.isfinite(differences)
    n = defined.sum(axis=0)
    filled = np.where(defined, differences, 0.0)
    mean = filled.sum(axis=0) / np.maximum(n, 1)
    spread = np.where(defined, differences - mean, 0.0)
    variance = (spread**2).sum(axis=0) / np.maximum(n - 1, 1)
    error = np.sqrt(variance / np.maximum(n, 1))
    enough = n > 1
    same = error <= 1e-12 * np.maximum(np.abs(mean), np.finfo(float).tiny)
    scale = np.where(enough & ~same, error, np.inf)
    largest = np.zeros(len(resamples(len(values))))
    ends = np.full((2, len(pairs)), np.nan)
    for start in range(0, len(pairs), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        resampled = _means(filled[:, some], defined[:, some])
        t = np.abs(resampled - mean[some]) / scale[some]
        largest = np.fmax(largest, np.nan_to_num(t).max(axis=1, initial=0.0))
        known = np.flatnonzero(enough[some])
        if len(known):
            percentiles = np.nanpercentile(resampled[:, known], [2.5, 97.5], axis=0)
            ends[:, start + known] = percentiles
    t = np.where(same, np.where(mean == 0, 0.0, np.inf), np.abs(mean) / np.where(same, 1.0, error))
    least = matters(*(_mean(values[:, side], defined) for side in (first, second)))
    apart = enough & (t > np.percentile(largest, LEVEL)) & (np.abs(mean) > least)
    return Pairs(np.where(n > 0, mean, np.nan), ends[0], ends[1], n, apart)


def _means(filled: Floats, defined: Bools) -> Floats:
    """Means (B, P) of every resample; NaN where it has no image with a value."""
    drawn = resamples(len(filled))
    with np.errstate(invalid="ignore"):
        means: Floats = (drawn @ filled) / (drawn @ defined)
    return means


def _mean(values: Floats, defined: Bools) -> Floats:
    total = np.where(defined, values, 0.0).sum(axis=0)
    mean: Floats = total / np.maximum(defined.sum(axis=0), 1)
    return mean


def letters(names: Sequence[str], apart: Callable[[str, str], bool]) -> dict[str, str]:
    """Letters of each name: two share one just where they are not told apart.

    The names stand best first, so `a` is the group of the first. By insertion and absorption
    (Piepho 2004, doi 10.1198/1061860043515).
    """
    groups: list[set[str]] = [set(names)] if names else []
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            if not apart(one, other):
                continue
            split = [group for group in groups if {one, other} <= group]
            groups = [group for group in groups if group not in split]
            for group in split:
                groups += [group - {one}, group - {other}]
            groups = _absorbed(groups)
    place = {name: n for n, name in enumerate(names)}
    groups.sort(key=lambda group: sorted(place[name] for name in group))
    return {
        name: " ".join(_letter(n) for n, group in enumerate(groups) if name in group)
        for name in names
    }


def _absorbed(groups: list[set[str]]) -> list[set[str]]:
    """The groups that no other contains, each once."""
    kept: list[set[str]] = []
    for group in sorted(groups, key=len, reverse=True):
        if not any(group <= other for other in kept):
            kept.append(group)
    return kept


def _letter(n: int) -> str:
    """A to z, then aa, ab, ..."""
    head, last = divmod(n, 26)
    return (_letter(head - 1) if head else "") + chr(ord("a") + last)


def reliability(values: Floats, halves: int = 200) -> float:
    """Median rank correlation of the columns' means between random halves of the images (N, E).

    NaN where there are fewer than three columns or four images.
    """
    from scipy.stats import rankdata

    n, count = values.shape
    if count < 3 or n < 4:
        return float("nan")
    found = []
    for half in range(halves):
        order = np.argsort(np.random.PCG64([half, n]).random_raw(n), kind="stable")
        sides = (values[order[: n // 2]], values[order[n // 2 :]])
        means = [_mean(side, np.isfinite(side)) for side in sides]
        x, y = (rankdata(each) - (count + 1) / 2 for each in means)
        norm = np.sqrt((x @ x) * (y @ y))
        found.append(float(x @ y / norm) if norm else 0.0)
    return float(np.median(found))
