"""KernelSHAP (Lundberg & Lee 2017, arXiv 1705.07874, theorem 2).

Shapley values of the cells of a grid as a regression on images x_T that show a set T of them:

    minimise  sum_i e_i (v_i - v(none) - sum_j z_ij phi_j)^2    with  sum_j phi_j = v(all) - v(none)
    v(T) = s_k(x_T)        S = phi of the pixel's cell        heatmap = S, signed

Where all proper subsets of the M cells are within the budget they are taken, a set of k cells with
weight e = (M - 1) / (C(M, k) k (M - k)): then phi is the Shapley value itself. Else half of them
are drawn, of size k with probability in proportion to 1 / (k (M - k)), each followed by its
complement, and e = 1. The sum, v(all) - v(none), and additive scores are exact whatever is drawn.

The solution is a matrix, made once in float64, times the scores. With Z the members, E = diag(e):

    Q = (Z' E Z)^-1        q = Q 1 / (1' Q 1)        P = (I - q 1') Q Z' E
    phi = P (v - v(none)) + q (v(all) - v(none))
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

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
from implementations.errors import BadInput
from implementations.methods import cells
from implementations.methods.card import Cost, Method, Number
from implementations.methods.coalitions import solution, subsets, weights


def sets(options: Options) -> int:
    """How many sets there are, none and all among them."""
    many = int(options.grid) ** 2
    return 2 + (2**many - 2 if 2**many - 2 <= options.samples else int(options.samples))


def sampled(
    options: Options, architecture: Architecture, layer: str, generator: Generator
) -> Draws:
    """Members (n + 2, M), none first and all last, and the cell (H, W) of each pixel.

    And `matrix` (M, n + 2), whose product with the scores is the values: of v(none), which they are
    taken from, a column of 0. Raises BadInput.
    """
    many, samples = options.grid**2, options.samples
    if samples % 2:
        raise BadInput(
            f"option samples={samples} of kernel_shap must be even: "
            "each set is followed by its complement"
        )
    cell = cells.of_pixels("kernel_shap", sets(options), options, architecture)
    members = subsets(many, samples, generator)
    matrix = solution(members, samples)
    return {
        "members": np.vstack([np.zeros(many, bool), members, np.ones(many, bool)]),
        "cell": cell,
        "matrix": np.insert(matrix, 0, 0, axis=1),
    }


METHOD = Method(
    title="KernelSHAP",
    paper="arXiv 1705.07874",
    at="input",
    classes="scored",
    intermediates=("signed", "heatmap"),
    options={
        "samples": Number(1000, 2, 1_000_000, "random sets of cells, an even number"),
        "grid": cells.GRID,
        "fill": cells.FILL,
    },
    cost=lambda options, architecture, layer: Cost(sets(options)),
    draws=sampled,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy: the normal equations, with a multiplier for the sum."""

    def values(scores: Callable[[Array], Floats], draws: Draws) -> Floats:
        members = draws["members"][1:-1]
        found = scores(draws["members"])
        falls, many = found[1:] - found[0], members.shape[1]
        weighed = members * weights(members, options.samples)[:, None]
        system = np.zeros((many + 1, many + 1))
        system[:many, :many] = weighed.T @ members
        system[many, :many] = system[:many, many] = 1
        solved: Floats = np.linalg.solve(system, np.vstack([weighed.T @ falls[:-1], falls[-1:]]))
        return solved[:many].T

    return cells.reference(network, options, compile, values)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """The scores of all sets, and one product."""
    import jax.numpy as jnp

    def values(scores: Array, draws: Draws) -> Array:
        return jnp.einsum("mi,in->nm", draws["matrix"], scores - scores[0])

    return cells.jax(network, options, compile, values)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """The scores of all sets, and one product."""

    def values(scores: Array, draws: Draws) -> Array:
        return (draws["matrix"] @ (scores - scores[0])).T

    return cells.pytorch(network, options, compile, values)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """The scores of all sets, and one product."""
    from keras import ops

    def values(scores: Array, draws: Draws) -> Array:
        return ops.transpose(ops.matmul(draws["matrix"], scores - scores[0]))

    return cells.keras(network, options, compile, values)
