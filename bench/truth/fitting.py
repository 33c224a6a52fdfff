"""The map a c + b of a candidate c that is nearest to somebody's: one a and b an image."""

from __future__ import annotations

import numpy as np

from implementations.arrays import Floats


def fit(user: Floats, made: Floats) -> tuple[Floats, Floats]:
    """A c + b nearest to each map, in the least squares, and the slopes a (N,)."""
    centred, own = (each - each.mean(axis=(1, 2), keepdims=True) for each in (made, user))
    peaks = np.abs(centred).max(axis=(1, 2), keepdims=True)
    # Maps with a factor exp(score) have squares that no number holds.
    unit = np.divide(centred, peaks, out=np.zeros_like(centred), where=peaks > 0)
    power = (unit**2).sum(axis=(1, 2))
    slopes = np.divide(
        (unit * own).sum(axis=(1, 2)), power, out=np.zeros(len(user)), where=power > 0
    )
    fitted = slopes[:, None, None] * unit + user.mean(axis=(1, 2), keepdims=True)
    with np.errstate(over="ignore"):  # of a map too faint for it, a slope is infinite
        scale = np.divide(slopes, peaks[:, 0, 0], out=np.zeros_like(slopes), where=power > 0)
    return fitted, scale
