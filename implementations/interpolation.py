"""Interpolations along one axis, each as a matrix: what libraries call resizing, one by one."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from implementations.arrays import Floats

SPLINES: dict[str, dict[str, Any]] = {
    "cubic spline": {"order": 3, "mode": "nearest"},
    "SciPy's zoom": {"order": 1},
}
"""What SciPy's `zoom` is given. Left to itself it puts what rounding moves outside at 0."""


@lru_cache(maxsize=512)
def interpolation(kind: str, old: int, new: int) -> Floats:
    """The matrix (new, old) of an interpolation along one axis; its rows sum to 1.

    But for SciPy's zoom, whose last row can be 0.
    """
    steps, cells = np.arange(new, dtype=np.float64), np.arange(old, dtype=np.float64)
    centres: Floats = (steps + 0.5) * (old / new) - 0.5
    if kind == "bilinear":
        return _taps(np.clip(centres, 0, old - 1), cells, _triangle)
    if kind == "align corners":
        return _taps(steps * (old - 1) / max(new - 1, 1), cells, _triangle)
    if kind == "nearest":
        return _chosen(np.minimum((steps + 0.5) * old // new, old - 1), cells)
    if kind == "nearest, rounded down":
        return _chosen(steps * old // new, cells)
    if kind == "bicubic -0.75":  # edges repeated, as in PyTorch and OpenCV
        return _repeated(centres, old, lambda x: _cubic(x, -0.75), 2)
    if kind == "bicubic -0.5":  # what lies outside left out, as in JAX and Pillow
        return _normed(_taps(centres, cells, lambda x: _cubic(x, -0.5)))
    if kind == "TensorFlow's bicubic":  # the same, of weights in a table of 1,024 steps a cell
        places = np.floor(centres) + np.rint((centres % 1) * 1024) / 1024
        return _normed(_taps(places, cells, lambda x: _cubic(x, -0.5)))
    if kind == "antialias":  # a triangle as wide as the step, where the map shrinks
        wide = max(old / new, 1.0)
        return _normed(_taps(centres / wide, cells / wide, _triangle))
    if kind == "lanczos":
        return _normed(_taps(centres, cells, lambda x: np.sinc(x) * np.sinc(x / 3) * (abs(x) < 3)))
    if kind == "area":
        return _area(old, new)
    if kind in SPLINES:
        from scipy.ndimage import zoom

        columns = [zoom(np.eye(old)[i], new / old, **SPLINES[kind]) for i in range(old)]
        return np.stack(columns, axis=1)
    raise ValueError(f"unknown interpolation {kind!r}")


def _triangle(x: Floats) -> Floats:
    found: Floats = np.maximum(1 - np.abs(x), 0)
    return found


def _cubic(x: Floats, a: float) -> Floats:
    """The cubic convolution of Keys (1981)."""
    x = np.abs(x)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    found: Floats = np.where(x <= 1, near, np.where(x < 2, far, 0.0))
    return found


def _taps(places: Floats, cells: Floats, kernel: Callable[[Floats], Floats]) -> Floats:
    found: Floats = kernel(places[:, None] - cells)
    return found


def _normed(matrix: Floats) -> Floats:
    found: Floats = matrix / matrix.sum(axis=1, keepdims=True)
    return found


def _chosen(places: Floats, cells: Floats) -> Floats:
    found: Floats = (places[:, None] == cells).astype(np.float64)
    return found


def _repeated(places: Floats, old: int, kernel: Callable[[Floats], Floats], reach: int) -> Floats:
    matrix = np.zeros((len(places), old))
    for step in range(1 - reach, reach + 1):
        cell = np.floor(places) + step
        inside = np.clip(cell, 0, old - 1).astype(int)
        np.add.at(matrix, (np.arange(len(places)), inside), kernel(places - cell))
    return matrix


def _area(old: int, new: int) -> Floats:
    """The mean of the cells that an output cell touches, each once (adaptive average pooling)."""
    matrix = np.zeros((new, old))
    for row in range(new):
        start, end = row * old // new, math.ceil((row + 1) * old / new)
        matrix[row, start:end] = 1 / (end - start)
    return matrix
