"""Infidelity (Yeh et al. 2019, arXiv 1901.09392): what a map's sums miss of how the logit falls.

Square windows W of three sides, a seventh, a quarter and half of the image's shorter one, at
strides of half the side, each size of the same weight u. With d_W the target's logit less that with
W filled, s_W the map's sum in W and beta = max(0, sum u d s / sum u s s), it is
sum u (d - beta s)^2 / sum u d d, 0 to 1: 0 is exact, 1 says nothing, as a zero map and a map of the
wrong sign do. Large windows take more away, so a constant map may score well below 1: read it
beside `uniform`.

`faithfulness_correlation` (Bhatt et al. 2020, arXiv 2005.00631) is Pearson's r of d and s, the mean
of the three sizes; NaN where the sums of a size are all equal.

The d are the same for every explainer: asked for once, each map costs some sums. NaN where nothing
that is filled moves the logit, or the map has a value that is not finite.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import sound, unit_rows

SIDES = (7, 4, 2)
"""Of a window, as parts of the image's shorter side."""
METRIC = Metric(
    title="infidelity", paper="Yeh et al. 2019, arXiv 1901.09392",
    better="lower", needs={"model"}, finding=True,
    columns={
        "faithfulness_correlation": Metric(
            title="faithfulness correlation", paper="Bhatt et al. 2020, arXiv 2005.00631",
            better="higher", scale="correlation", finding=True,
        ),
    },
)  # fmt: skip
EQUAL = 1e-6
"""Sums that differ by less than this share of the largest possible one are equal."""
AT_ONCE = 2**26
"""Bytes of masks at the most."""
Floats = NDArray[np.float64]


class Windows(NamedTuple):
    """Windows of one side: which rows and which columns (K, H) and (L, W) each has, K x L."""

    rows: NDArray[np.bool_]
    columns: NDArray[np.bool_]

    @property
    def masks(self) -> NDArray[np.bool_]:
        """True inside (K L, H, W)."""
        masks = self.rows[:, None, :, None] & self.columns[None, :, None, :]
        return masks.reshape(-1, masks.shape[2], masks.shape[3])

    def sums(self, maps: Floats) -> Floats:
        """The sums (N, K L) of maps (N, H, W)."""
        sums: Floats = self.rows.astype(float) @ maps @ self.columns.T.astype(float)
        return sums.reshape(len(maps), -1)


def windows(height: int, width: int) -> list[Windows]:
    """The windows of an image, the smallest first."""
    shorter = min(height, width)
    sides = [max((2 * shorter + part) // (2 * part), 1) for part in SIDES]
    return [Windows(_spans(height, side), _spans(width, side)) for side in sides]


def _spans(length: int, side: int) -> NDArray[np.bool_]:
    """Spans of a side (K, length) at strides of half of it, rounded up, the last flush."""
    last = length - side
    starts = np.array(sorted({*range(0, last + 1, -(-side // 2)), last}))[:, None]
    places = np.arange(length)
    return (places >= starts) & (places < starts + side)


def measure(case: Case) -> dict[str, Floats]:
    """Infidelity (N,), 0 to 1, and the faithfulness correlation (N,), -1 to 1."""
    of = windows(*case.maps.shape[1:])
    drops = case.model.once("drops of windows", lambda: _drops(case, of))
    maps, known = sound(case.maps)
    unit = unit_rows(maps).reshape(maps.shape)
    sums = [each.sums(unit) for each in of]
    dd, ds, ss = (
        np.mean([(a * b).mean(axis=1) for a, b in zip(left, right, strict=True)], axis=0)
        for left, right in ((drops, drops), (drops, sums), (sums, sums))
    )
    beta = np.maximum(ds, 0) / np.where(ss > 0, ss, 1.0)
    missed = dd - 2 * beta * ds + beta * beta * ss
    sides = zip(drops, sums, of, strict=True)
    r = np.mean([_pearson(d, s, w.masks[0].sum()) for d, s, w in sides], axis=0)
    return {
        "infidelity": np.where(
            known & (dd > 0), np.clip(missed / np.where(dd > 0, dd, 1.0), 0, 1), np.nan
        ),
        "faithfulness_correlation": np.where(known & (dd > 0), r, np.nan),
    }


def _drops(case: Case, of: list[Windows]) -> list[Floats]:
    """How far the logit falls (N, K L) with each window filled, by their size."""
    whole = case.model.scores(case.images, case.targets).logit
    found = []
    for each in of:
        kept = ~each.masks[None]
        few = max(AT_ONCE // kept.size, 1)
        parts = []
        for start in range(0, len(case.images), few):
            images, targets = case.images[start : start + few], case.targets[start : start + few]
            masks = np.broadcast_to(kept, (len(images), *kept.shape[1:]))
            parts.append(case.model.masked(images, masks, case.model.fill, targets).logit)
        found.append(whole[:, None] - np.concatenate(parts))
    return found


def _pearson(drops: Floats, sums: Floats, area: int) -> Floats:
    """Pearson's r (N,) of rows; NaN where either is constant, a map's sums but for rounding."""
    x, y = (values - values.mean(axis=1, keepdims=True) for values in (drops, sums))
    same = (np.ptp(drops, axis=1) == 0) | (np.ptp(sums, axis=1) <= EQUAL * area)
    norms = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    r = (x * y).sum(axis=1) / np.where(same | (norms == 0), 1.0, norms)
    return np.where(same, np.nan, np.clip(r, -1, 1))
