"""A linear network, whose score is a sum over cells: what every method of masked images must find.

`cell_values` is the closed form, written out in a loop over pixels: in each cell the sum of weight
times the pixel less the fill. `painted` puts values of cells on their pixels.
"""

from __future__ import annotations

import numpy as np

from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

SHAPE = (9, 12, 3)
ARCHITECTURE = get("mlp-512-100", SHAPE, 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((2, *SHAPE))
TARGETS = np.array([3, 0], np.int32)


def slopes() -> np.ndarray:
    """The weight (N, H, W, C) of each pixel in its image's score: one pixel at a time."""
    blank = NETWORK(np.zeros((1, *SHAPE)))
    each = NETWORK(np.eye(int(np.prod(SHAPE))).reshape(-1, *SHAPE)) - blank
    return each.T[TARGETS].reshape(-1, *SHAPE)


def cell_values(grid: int, fill: float) -> np.ndarray:
    """The value (N, M) of each cell."""
    parts = slopes() * (IMAGES - fill)
    values = np.zeros((len(IMAGES), grid * grid))
    for row, column in np.ndindex(*SHAPE[:2]):
        cell = row * grid // SHAPE[0] * grid + column * grid // SHAPE[1]
        values[:, cell] += parts[:, row, column].sum(axis=-1)
    return values


def painted(values: np.ndarray, grid: int) -> np.ndarray:
    """Values (N, M) of cells as maps (N, H, W)."""
    rows = np.arange(SHAPE[0]) * grid // SHAPE[0]
    columns = np.arange(SHAPE[1]) * grid // SHAPE[1]
    return values.reshape(-1, grid, grid)[:, rows][:, :, columns]
