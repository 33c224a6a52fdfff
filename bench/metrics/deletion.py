"""Deletion (Petsiuk et al. 2018, arXiv 1806.07421): the score as the highest pixels go first.

The target's probability with the n_k highest positions filled, n_k = (2 k P + T) // (2 T) of P for
k = 0 to T = 20: the area under it by trapezoids over the true shares n_k / P, 0 to 1. The order is
signed, ties by a random key of the image, so a zero map scores what chance does. NaN where the map
has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Curve, Metric
from bench.subject.heatmaps import peak, positions

STEPS = 20
METRIC = Metric(
    title="deletion", paper="Petsiuk et al. 2018, arXiv 1806.07421",
    better="lower", needs={"model"}, budget=lambda size: len(counts(size[0] * size[1])) - 2,
)  # fmt: skip
KEYS = "order of equal values"
AT_ONCE = 2**26
"""Bytes of masks at the most."""


def counts(pixels: int, steps: int = STEPS) -> NDArray[np.int64]:
    """How many positions are removed after each step (T + 1,), from none to all."""
    return (2 * np.arange(steps + 1) * pixels + steps) // (2 * steps)


def measure(case: Case) -> NDArray[np.float64]:
    """Area (N,) under the curve, 0 to 1."""
    removed = counts(case.maps[0].size)
    found = curve(case, highest=True)
    case.curves["deletion"] = Curve(removed / removed[-1], found)
    return area(found, removed)


def area(curves: NDArray[np.float64], removed: NDArray[np.int64]) -> NDArray[np.float64]:
    """Area (N,) under curves (N, T + 1) over the share that is removed, by trapezoids."""
    widths = np.diff(removed / removed[-1])
    total: NDArray[np.float64] = ((curves[:, 1:] + curves[:, :-1]) / 2 * widths).sum(axis=1)
    return total


def curve(case: Case, highest: bool) -> NDArray[np.float64]:
    """Probabilities (N, T + 1) as the highest, or the lowest, positions are removed first.

    Its two ends, the image and the blank, are the same for all explainers.
    """
    size = case.maps.shape[1:]
    pixels = case.maps[0].size
    places = positions(case.maps, case.draws.permutations(KEYS, pixels))
    places = (places if highest else pixels - 1 - places).reshape(len(case.maps), 1, *size)
    inner = counts(pixels)[1:-1].reshape(-1, 1, 1)
    curves = np.full((len(places), len(inner) + 2), np.nan)
    curves[:, 0], curves[:, -1] = ends(case)
    few = max(AT_ONCE // (len(inner) * pixels), 1)
    for start in range(0, len(places), few):
        some = slice(start, start + few)
        found = case.model.masked(
            case.images[some], places[some] >= inner, case.model.fill, case.targets[some]
        )
        curves[some, 1:-1] = found.probability
    return np.where(np.isfinite(peak(case.maps))[:, None], curves, np.nan)


def ends(case: Case) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probability (N,) of the images and of the blank one, for the images' targets."""

    def evaluate() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        blank = np.broadcast_to(case.model.fill, case.images.shape)
        whole = case.model.scores(case.images, case.targets).probability
        return whole, case.model.scores(blank, case.targets).probability

    found: tuple[NDArray[np.float64], NDArray[np.float64]] = case.model.once("ends", evaluate)
    return found
