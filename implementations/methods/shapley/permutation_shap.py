"""Shapley values by permutations (Castro et al. 2009, doi 10.1016/j.cor.2008.04.004).

Cells are shown one after another in a random order, and what each adds to the score is its value:

    phi_j = mean over orders of v(cells before j, and j) - v(cells before j)        v(T) = s_k(x_T)
    S = phi of the pixel's cell        heatmap = S, signed

x_T shows the cells of T. Every order is also taken in reverse. In each the values add up to
v(all) - v(none), and a cell that never matters gets exactly 0. All M! orders give the Shapley value
itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture
from implementations.arrays import Array, Draws, Floats
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods import cells
from implementations.methods.card import Cost, Method, Number


def sets(options: Options) -> int:
    """How many sets there are: none and all once, the others of each order and its reverse."""
    return 2 + 2 * int(options.permutations) * (int(options.grid) ** 2 - 1)


def paths(orders: NDArray[np.int64]) -> Draws:
    """Of orders (P, M) and their reverses the `members` (E, M): none, all, and sets on the way.

    `before` and `after` (2 P, M) say which of them there is before a cell is shown and after it.
    """
    many = orders.shape[1]
    ranks = np.concatenate([orders, orders[:, ::-1]]).argsort(axis=1)
    inner = ranks[:, None] < np.arange(1, many)[:, None]
    number = np.zeros((len(ranks), many + 1), np.int32)
    number[:, 1:-1] = 2 + np.arange(len(ranks) * (many - 1)).reshape(len(ranks), -1)
    number[:, -1] = 1
    return {
        "members": np.vstack([np.zeros(many, bool), np.ones(many, bool), *inner]),
        "before": np.take_along_axis(number, ranks, axis=1),
        "after": np.take_along_axis(number, ranks + 1, axis=1),
    }


def ordered(
    options: Options, architecture: Architecture, layer: str, generator: Generator
) -> Draws:
    """`orders` (P, M), the sets on their paths, and the `cell` (H, W) of each pixel.

    Raises BadInput.
    """
    cell = cells.of_pixels("permutation_shap", sets(options), options, architecture)
    orders = generator.random((options.permutations, options.grid**2)).argsort(axis=1)
    return {"orders": orders.astype(np.int32), "cell": cell, **paths(orders)}


METHOD = Method(
    title="Permutation SHAP",
    paper="doi 10.1016/j.cor.2008.04.004",
    at="input",
    classes="scored",
    intermediates=("signed", "heatmap"),
    options={
        "permutations": Number(10, 1, 100_000, "random orders, each taken in reverse too"),
        "grid": cells.GRID,
        "fill": cells.FILL,
    },
    cost=lambda options, architecture, layer: Cost(sets(options)),
    draws=ordered,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one order after another, one cell after another."""

    def values(scores: Callable[[Array], Floats], draws: Draws) -> Floats:
        orders = draws["orders"]
        added: list[Floats] = []
        for order in [*orders, *orders[:, ::-1]]:
            ranks = order.argsort()
            shown = ranks < np.arange(len(order) + 1)[:, None]
            added.append(np.diff(scores(shown), axis=0)[ranks])
        mean: Floats = np.mean(added, axis=0)
        return mean.T

    return cells.reference(network, options, compile, values)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """The scores of all sets, and what each cell adds to them."""

    def values(scores: Array, draws: Draws) -> Array:
        return (scores[draws["after"]] - scores[draws["before"]]).mean(axis=0).T

    return cells.jax(network, options, compile, values)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """The scores of all sets, and what each cell adds to them."""

    def values(scores: Array, draws: Draws) -> Array:
        return (scores[draws["after"]] - scores[draws["before"]]).mean(dim=0).T

    return cells.pytorch(network, options, compile, values)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """The scores of all sets, and what each cell adds to them."""
    from keras import ops

    def values(scores: Array, draws: Draws) -> Array:
        after, before = (ops.take(scores, draws[name], axis=0) for name in ("after", "before"))
        # A mean would be computed in float32 on some backends.
        return ops.transpose(ops.sum(after - before, axis=0) / before.shape[0])

    return cells.keras(network, options, compile, values)
