"""Noisy linear imputation (Rong et al. 2022, arXiv 2202.00449): removed pixels out of their rim.

A removed pixel u_i solves sum over its neighbours j inside the image of w_ij (u_i - u_j) = 0, w 1/6
for the four beside it and 1/12 for the four at its corners, kept neighbours at their value: each
colour alone. The matrix is symmetric and positive definite as long as anything is kept, and its
band is as wide as a row, so one banded Cholesky factorisation (LAPACK's pbsv) solves all colours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = {(0, -1): 1 / 6, (-1, 0): 1 / 6, (-1, -1): 1 / 12, (-1, 1): 1 / 12}
"""Steps to the neighbours that come before in the order of rows, and their weights."""
Floats = NDArray[np.float64]


def impute(images: NDArray[Any], kept: NDArray[np.bool_]) -> Floats:
    """Images (N, H, W, C) whose pixels that are not kept (N, H, W) are solved for, in float64.

    Raises ValueError where nothing of an image is kept: no value is any better than another.
    """
    if not kept.any(axis=(1, 2)).all():
        raise ValueError("an image of which nothing is kept cannot be imputed")
    values = np.where(kept[..., None], images, 0).astype(np.float64)
    total, known = _around(np.ones((1, *kept.shape[1:], 1))), _around(values)
    for image, there, of in zip(values, kept, known, strict=True):
        if not there.all():
            image[~there] = _solve(~there, total[0, ..., 0], of)
    return values


def _around(values: Floats) -> Floats:
    """The weighted sum over each pixel's neighbours inside the image, of (N, H, W, C)."""
    found = np.zeros_like(values)
    for (down, across), weight in NEIGHBOURS.items():
        here, there = _pairs(down, across)
        found[:, *here] += weight * values[:, *there]
        found[:, *there] += weight * values[:, *here]
    return found


def _pairs(down: int, across: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The pixels that have a neighbour at this step, and those neighbours."""
    here = slice(-down, None), slice(max(-across, 0), -across if across > 0 else None)
    there = slice(0, down or None), slice(max(across, 0), across if across < 0 else None)
    return here, there


def _solve(removed: NDArray[np.bool_], total: Floats, known: Floats) -> Floats:
    """Values (R, C) of the removed pixels (H, W), given each pixel's weights and known sums."""
    from scipy.linalg import lapack

    count, width = int(removed.sum()), removed.shape[1]
    number = np.cumsum(removed).reshape(removed.shape) - 1
    band = np.zeros((min(width + 2, count), count))
    band[0] = total[removed]
    for (down, across), weight in NEIGHBOURS.items():
        here, there = _pairs(down, across)
        both = removed[here] & removed[there]
        row, column = number[here][both], number[there][both]
        band[row - column, column] = -weight
    _, solved, fault = lapack.dpbsv(band, known[removed], lower=1)
    if fault:
        raise ValueError(f"the imputation is singular (LAPACK dpbsv: {fault})")
    values: Floats = solved
    return values
