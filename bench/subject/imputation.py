"""Noisy linear imputation (Rong et al. 2022, arXiv 2202.00449): removed pixels out of their rim.

A removed pixel u_i solves sum over its neighbours j inside the image of w_ij (u_i - u_j) = 0, w 1/6
for the four beside it and 1/12 for the four at its corners, kept neighbours at their value: each
colour alone. The matrix is symmetric and positive definite as long as anything is kept: one sparse
Cholesky factorisation solves all colours (`fronts.py`), several images at once.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.subject.parts import parts

BESIDE, CORNER = 1 / 6, 1 / 12
NEIGHBOURS = {
    (-1, -1): CORNER, (-1, 0): BESIDE, (-1, 1): CORNER, (0, -1): BESIDE,
    (0, 1): BESIDE, (1, -1): CORNER, (1, 0): BESIDE, (1, 1): CORNER,
}  # fmt: skip
"""Steps to the neighbours, down and across, and their weights."""
AT_ONCE = 8
"""Images that are solved for at the same time, at the most."""
Floats = NDArray[np.float64]


def impute(images: NDArray[Any], kept: NDArray[np.bool_]) -> Floats:
    """Images (N, H, W, C) whose pixels that are not kept (N, H, W) are solved for, in float64.

    Raises ValueError where nothing of an image is kept: no value is any better than another.
    """
    if not kept.any(axis=(1, 2)).all():
        raise ValueError("an image of which nothing is kept cannot be imputed")
    from bench.subject import fronts

    n, height, width, colours = images.shape
    order = parts(height, width, tuple(NEIGHBOURS))
    pixels = height * width
    values = images.reshape(n, pixels, colours).astype(np.float64).take(order.pixels, axis=1)
    gone = ~kept.reshape(n, pixels).take(order.pixels, axis=1)
    weights = np.array(list(NEIGHBOURS.values()))

    def solve(which: NDArray[np.int64]) -> None:
        fronts.solve(values, gone, which, weights, order)

    threads = min(len(os.sched_getaffinity(0)), AT_ONCE)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(solve, (np.arange(first, n, threads) for first in range(threads))))
    filled = np.empty_like(values)
    filled[:, order.pixels] = values
    return filled.reshape(images.shape)
