"""Rules of quadrature on [0, 1]: points, and weights that add up to 1."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture
from implementations.arrays import Draws
from implementations.contract import Options
from implementations.errors import BadInput
from implementations.methods.card import Choice, Number, Option

RULES = ("gauss_legendre", "riemann_trapezoid", "midpoint", "riemann_left", "riemann_right")
OPTIONS: dict[str, Option] = {
    "points": Number(50, 1, 1000, "on the line from the baseline to the image"),
    "rule": Choice("gauss_legendre", RULES, "of quadrature"),
}


def rule(options: Options) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points on [0, 1] and their weights. Raises BadInput."""
    count = options.points
    weights = np.full(count, 1 / count)
    if options.rule == "gauss_legendre":
        points, weights = np.polynomial.legendre.leggauss(count)
        return (points + 1) / 2, weights / 2
    if options.rule == "riemann_trapezoid":
        if count < 2:
            raise BadInput("option points=1 of integrated_gradients: riemann_trapezoid needs two")
        weights = np.full(count, 1 / (count - 1))
        weights[[0, -1]] /= 2
        return np.linspace(0, 1, count), weights
    shift = {"midpoint": 0.5, "riemann_left": 0.0, "riemann_right": 1.0}[options.rule]
    return (np.arange(count) + shift) / count, weights


def line(options: Options, architecture: Architecture, layer: str, generator: Generator) -> Draws:
    """The points and their weights as `points` and `weights`: nothing of them is random."""
    points, weights = rule(options)
    return {"points": points, "weights": weights}
