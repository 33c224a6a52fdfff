"""ROAD, remove and debias (Rong et al. 2022, arXiv 2202.00449): removal that leaves no outline.

Of the positions a share of 0.1 to 0.9 is removed, those with the highest values first (MoRF) and
those with the lowest (LeRF). What is removed is imputed from what is left and gets 0.01 of a fixed
normal field of the image; nothing is clipped. `road_morf` and `road_lerf` are the target's mean
probability over the shares, `road` is LeRF less MoRF, of a random order 0 in expectation, and
`road_kept` the same of whether the target is still predicted (the paper's accuracy).

`blur_gain` is `road` of the map blurred by an eighth of the side less `road` of the map: positive,
the metric pays for blur (arXiv 2304.13836), and what it says of two maps is as much of their
resolution. On at most 64 images; above 112 pixels a side all of it on at most 16, the rest NaN.
NaN where the map has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.metrics.deletion import KEYS
from bench.subject.heatmaps import Scores, positions, sound, unit_rows
from bench.subject.imputation import impute

SHARES, NOISE = 9, 0.01
FEW, BLURRED, LARGE = 16, 64, 112
METRIC = Metric(
    title="ROAD", paper="Rong et al. 2022, arXiv 2202.00449",
    better="higher", needs={"model"}, budget=lambda size: 4 * SHARES,
    finding=True,
    columns={
        "road_morf": Metric(title="ROAD, most relevant first", better="lower"),
        "road_lerf": Metric(title="ROAD, least relevant first", better="higher"),
        "road_kept": Metric(title="ROAD of the class kept", better="higher"),
        "blur_gain": Metric(title="gain of ROAD by blur", paper="arXiv 2304.13836", better="none"),
    },
)  # fmt: skip
AT_ONCE = 2**26
"""Bytes of images at the most."""
Floats = NDArray[np.float64]


def measure(case: Case) -> dict[str, Floats]:
    """The five (N,): probabilities 0 to 1, their differences -1 to 1."""
    from scipy.ndimage import gaussian_filter

    n, height, width = case.maps.shape
    maps, finite = sound(case.maps)
    known = np.flatnonzero(finite)
    some = known[known < FEW] if max(height, width) > LARGE else known
    found = {name: np.full(n, np.nan) for name in ("road", *METRIC.columns)}
    if not len(some):
        return found
    morf, lerf = curves(case, maps, some)
    means = [each.probability.mean(axis=1) for each in (morf, lerf)]
    kept = [(each.label == case.targets[some, None]).mean(axis=1) for each in (morf, lerf)]
    found["road_morf"][some], found["road_lerf"][some] = means
    found["road"][some] = means[1] - means[0]
    found["road_kept"][some] = kept[1] - kept[0]
    few = some[some < BLURRED]
    unit = unit_rows(maps[few]).reshape(-1, height, width)
    blurred = np.zeros_like(maps)
    blurred[few] = gaussian_filter(unit, (0, height / 8, width / 8))
    morf, lerf = curves(case, blurred, few)
    gain = (lerf.probability - morf.probability).mean(axis=1) - found["road"][few]
    found["blur_gain"][few] = gain
    return found


def counts(pixels: int) -> NDArray[np.int64]:
    """How many positions are removed at each share (9,)."""
    return (2 * np.arange(1, SHARES + 1) * pixels + 10) // 20


def curves(case: Case, maps: Floats, some: NDArray[np.int64]) -> tuple[Scores, Scores]:
    """Scores (n, 9) of some of the images as the highest, and as the lowest, are removed."""
    places = positions(maps[some], case.draws.permutations(KEYS, maps[0].size)[some])
    field = _field(case)
    lowest = maps[0].size - 1 - places
    return _curve(case, places, some, field), _curve(case, lowest, some, field)


def _curve(case: Case, places: NDArray[np.int64], some: NDArray[np.int64], field: Floats) -> Scores:
    removed = counts(places.shape[1])[:, None]
    size = case.images.shape[1:]
    few = max(AT_ONCE // (8 * SHARES * int(np.prod(size))), 1)
    parts = []
    for start in range(0, len(some), few):
        these = some[start : start + few]
        kept = (places[start : start + few, None] >= removed).reshape(-1, *size[:2])
        filled = impute(np.repeat(case.images[these], SHARES, axis=0), kept)
        filled += NOISE * np.repeat(field[these], SHARES, axis=0) * ~kept[..., None]
        targets = np.repeat(case.targets[these], SHARES)
        parts.append(case.model.scores(filled.astype(np.float32), targets))
    joined = (np.concatenate(each).reshape(len(some), SHARES) for each in zip(*parts, strict=True))
    return Scores(*joined)


def _field(case: Case) -> Floats:
    """The normal field (N, H, W, C) of each image, the same for every share and explainer."""
    from scipy.special import ndtri

    uniform = case.draws.uniform("noise of imputation", *case.images.shape[1:])
    field: Floats = ndtri(uniform + 2.0**-54)
    return field
