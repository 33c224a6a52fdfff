"""Effective resolution: how many cells a side a map needs.

The smallest K such that the K x K lowest coefficients of the orthonormal two-dimensional cosine
transform hold 95 % of the energy of the map less its mean, where the image is not square K of its
height and as much of its width in proportion. A 7 x 7 map brought to 28 x 28 has 7 to 9, white
noise about the height. It needs no network, and tells a faint map from a blurred one. NaN where the
map is constant or has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import constant, sound, unit_rows

METRIC = Metric(title="effective resolution", unit="cells a side", better="none", scale="unbounded")
HELD = 0.95


def measure(case: Case) -> NDArray[np.float64]:
    """Cells a side (N,) of heatmaps (N, H, W), 1 to H."""
    from scipy.fft import dctn

    _, height, width = case.maps.shape
    maps, known = sound(case.maps)
    undefined = constant(maps) | ~known
    unit = unit_rows(maps)
    unit -= unit.mean(axis=1, keepdims=True)
    energy = dctn(unit.reshape(case.maps.shape), axes=(1, 2), norm="ortho") ** 2
    energy[:, 0, 0] = 0
    down, across = np.arange(height)[:, None], np.arange(width) * height // width
    cells = np.maximum(down, across).ravel()
    held = np.stack([np.bincount(cells, each, height) for each in energy.reshape(len(unit), -1)])
    share = np.cumsum(held, axis=1)
    enough = share >= HELD * share[:, -1:] * (1 - 1e-12)
    return np.where(undefined, np.nan, 1.0 + enough.argmax(axis=1))
