"""Owen values of a tree of rectangles (Owen 1977, doi 10.1007/978-3-642-45494-3_7).

The grid of cells is halved again and again, the longer side first. On the way from the root to a
cell i its parts part from the siblings B_1 ... B_D; the cell's value is what it adds to the score,
over all contexts in which each sibling is shown whole or not at all:

    phi_i = 2^-D sum over subsets K of {1..D} of v(union of B_d, d in K, and i)
                                                 - v(union of B_d, d in K)        v(T) = s_k(x_T)
    S = phi of the pixel's cell        heatmap = S, signed

x_T shows the cells of T. Nothing is random: every context is evaluated, as SHAP's partition
explainer does where its budget is unlimited. Values add up to v(all) - v(none). Of an odd side the
first half is the smaller (in SHAP the last: the same, turned by 180 degrees).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import compress, product

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
from implementations.methods.halving import Part, contexts, sets


def tree(options: Options, architecture: Architecture, layer: str, generator: Generator) -> Draws:
    """The sets and contexts of the grid, and the `cell` (H, W) of each pixel: nothing is random.

    Raises BadInput.
    """
    grid = options.grid, options.grid
    cell = cells.of_pixels("partition_shap", sets(grid), options, architecture)
    return {"cell": cell, **contexts(grid)}


METHOD = Method(
    title="Partition SHAP",
    paper="doi 10.1007/978-3-642-45494-3_7",
    at="input",
    classes="scored",
    intermediates=("signed", "heatmap"),
    options={
        "grid": Number(7, 1, 32, "cells a side"),
        "fill": cells.FILL,
    },
    cost=lambda options, architecture, layer: Cost(sets((options.grid, options.grid))),
    draws=tree,
    core=True,
)


def siblings(grid: tuple[int, int]) -> Iterator[list[NDArray[np.bool_]]]:
    """Of each cell, in their order, the members (M,) of the siblings met on the way to it."""
    for row, column in np.ndindex(grid):
        part, met = Part(0, 0, *grid), []
        while not part.single:
            first, second = part.halves()
            inside = second.top <= row and second.left <= column
            part, sibling = (second, first) if inside else (first, second)
            met.append(sibling.members(grid))
        yield met


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the formula: one cell after another, one context after another."""

    def values(scores: Callable[[Array], Floats], draws: Draws) -> Floats:
        known: dict[bytes, Floats] = {}

        def value(shown: Array) -> Floats:
            if shown.tobytes() not in known:
                known[shown.tobytes()] = scores(shown[None])[0]
            return known[shown.tobytes()]

        found, grid = [], (options.grid, options.grid)
        for cell, met in enumerate(siblings(grid)):
            gains = []
            for kept in product([False, True], repeat=len(met)):
                shown = np.zeros(options.grid**2, bool)
                for sibling in compress(met, kept):
                    shown |= sibling
                without = value(shown)
                shown[cell] = True
                gains.append(value(shown) - without)
            found.append(np.mean(gains, axis=0))
        return np.stack(found, axis=1)

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
