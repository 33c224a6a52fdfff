"""LIME (Ribeiro et al. 2016, arXiv 1602.04938).

A linear model of the score, fitted to images that show random cells of a grid, the more of them the
greater their weight: a ridge regression with a free intercept, whose slopes are the cells' values.

    d_i = 1 - sqrt(k_i / M)        e_i = exp(-d_i^2 / (2 width^2))        k_i of M cells are shown
    minimise  sum_i e_i (s_k(x_i) - b - sum_j z_ij beta_j)^2 + alpha sum_j beta_j^2
    S = beta of the pixel's cell        heatmap = S, signed

Each cell is shown with probability 1/2, the first image is the whole one. Weights and regression
depend on the draws alone: beta = P v with a matrix P made once, in float64. Its rows sum to 0, so
scores are taken from the whole image's, which costs float32 no digits.
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


def weights(options: Options, members: Array) -> Floats:
    """The weight (n,) of each set, by the cosine distance of its members (n, M) from all ones."""
    distance = 1 - np.sqrt(members.mean(axis=1))
    weights: Floats = np.exp(-(distance**2) / (2 * options.width**2))
    return weights


def sampled(
    options: Options, architecture: Architecture, layer: str, generator: Generator
) -> Draws:
    """Members (n, M), the cell (H, W) of each pixel, and `matrix` P (M, n). Raises BadInput."""
    cell = cells.of_pixels("lime", options.samples, options, architecture)
    members = generator.integers(0, 2, (options.samples, options.grid**2))
    members[0] = 1
    weighed = weights(options, members)
    centred = members - weighed @ members / weighed.sum()
    gram = centred.T @ (centred * weighed[:, None]) + options.alpha * np.eye(options.grid**2)
    spread = np.linalg.eigvalsh(gram)
    if spread[0] <= spread[-1] * len(gram) * np.finfo(float).eps:
        raise BadInput(
            f"options samples={options.samples} and alpha={options.alpha} of lime leave the values "
            f"of {len(gram)} cells open; give more samples or a larger alpha"
        )
    matrix = np.linalg.solve(gram, centred.T * weighed)
    return {"members": members.astype(bool), "cell": cell, "matrix": matrix}


METHOD = Method(
    title="LIME",
    paper="arXiv 1602.04938",
    at="input",
    classes="scored",
    intermediates=("signed", "heatmap"),
    options={
        "samples": Number(1000, 1, 1_000_000, "random sets of cells, the first of them all"),
        "grid": cells.GRID,
        "fill": cells.FILL,
        "width": Number(0.25, 0.001, 1000.0, "of the kernel that weighs them"),
        "alpha": Number(1.0, 0.0, 1e6, "of the ridge regression"),
    },
    cost=lambda options, architecture, layer: Cost(options.samples),
    draws=sampled,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy: the weighted normal equations, the intercept their first unknown."""

    def values(scores: Callable[[Array], Floats], draws: Draws) -> Floats:
        members = draws["members"]
        design = np.insert(members.astype(float), 0, 1, axis=1)
        weighed = design * weights(options, members)[:, None]
        ridge = options.alpha * np.eye(design.shape[1])
        ridge[0, 0] = 0
        fitted: Floats = np.linalg.solve(design.T @ weighed + ridge, weighed.T @ scores(members))
        return fitted[1:].T

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
