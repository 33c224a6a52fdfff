"""RISE (Petsiuk et al. 2018, arXiv 1806.07421).

The score of the image behind n random masks, each pixel the masks' mean weighted by these scores:

    M_i = a coarse grid of cells, each open with probability keep, upsampled and shifted at random
    S = sum_i s_k(x * M_i) M_i / (n keep)        heatmap = S, signed

`coarse.py` makes the masks. It is linear in the score, whose offset shows in the map: so the score
is the probability unless asked. `divide=coverage` divides by the masks' sum in each pixel instead.
"""

from __future__ import annotations

import numpy as np

from implementations.arrays import Array, Draws, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods import coarse
from implementations.methods.adding import added
from implementations.methods.card import Choice, Cost, Method, Number

METHOD = Method(
    title="RISE",
    paper="arXiv 1806.07421",
    at="input",
    classes="scored",
    intermediates=("signed", "heatmap"),
    options={
        "masks": Number(1000, 1, 100_000, "random masks"),
        "side": Number(7, 1, 1000, "cells a side of the grid"),
        "keep": Number(0.5, 0.001, 1.0, "probability that a cell is open"),
        "divide": Choice("expectation", ("expectation", "coverage"), "what the sum is divided by"),
    },
    score="probability",
    cost=lambda options, architecture, layer: Cost(options.masks),
    draws=coarse.grids,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one mask after another."""
    height, width, _ = network.architecture.input_shape
    _, size = coarse.extent(options, network.architecture)

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        total, coverage = np.zeros(images.shape[:3]), np.zeros((height, width))
        for cells, (top, left) in zip(draws["cells"], draws["shifts"], strict=True):
            mask = network.resize(cells[None], size)[0, top : top + height, left : left + width]
            scores = network.score(options.score, network(images * mask[..., None]), targets)
            total += scores[:, None, None] * mask
            coverage += mask
        signed = total / (options.masks * options.keep)
        if options.divide == "coverage":
            signed = np.divide(total, coverage, out=np.zeros_like(total), where=coverage > 0)
        return {"signed": signed, "heatmap": signed}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.vmap` over the masks of a pass."""
    import jax
    import jax.numpy as jnp

    @compile
    def weighed(
        network: Network, images: Array, targets: Array, cells: Array, shifts: Array
    ) -> tuple[Array, Array]:
        masks = coarse.jax(network, options, cells, shifts)

        def score(mask: Array) -> Array:
            return network.score(options.score, network(images * mask[..., None]), targets)

        return jnp.einsum("mn,mhw->nhw", jax.vmap(score)(masks), masks), masks.sum(axis=0)

    @compile
    def divided(
        network: Network, images: Array, targets: Array, total: Array, coverage: Array
    ) -> Intermediates:
        signed = total / (options.masks * options.keep)
        if options.divide == "coverage":
            signed = total / jnp.where(coverage > 0, coverage, 1)
        return {"signed": signed, "heatmap": signed}

    return added(options.masks, ("cells", "shifts"), weighed, divided)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """A batch that holds every image behind several masks."""
    import torch

    @compile
    def weighed(
        network: Network, images: Array, targets: Array, cells: Array, shifts: Array
    ) -> tuple[Array, Array]:
        masks = coarse.pytorch(network, options, cells, shifts)
        masked = (images * masks[:, None, None]).flatten(0, 1)
        scores = network.score(options.score, network(masked), targets.repeat(len(masks)))
        total = torch.einsum("mn,mhw->nhw", scores.view(len(masks), -1), masks)
        return total, masks.sum(dim=0)

    @compile
    def divided(
        network: Network, images: Array, targets: Array, total: Array, coverage: Array
    ) -> Intermediates:
        signed = total / (options.masks * options.keep)
        if options.divide == "coverage":
            signed = total / torch.where(coverage > 0, coverage, 1)
        return {"signed": signed, "heatmap": signed}

    return added(options.masks, ("cells", "shifts"), weighed, divided)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout: a batch that holds every image behind several masks."""
    from keras import ops

    @compile
    def weighed(
        network: KerasNetwork, images: Array, targets: Array, cells: Array, shifts: Array
    ) -> tuple[Array, Array]:
        masks = coarse.keras(network, options, cells, shifts)
        count = cells.shape[0]
        masked = ops.reshape(images * masks[:, None, :, :, None], (-1, *images.shape[1:]))
        scores = network.score(options.score, network(masked), ops.tile(targets, count))
        total = ops.einsum("mn,mhw->nhw", ops.reshape(scores, (count, -1)), masks)
        return total, ops.sum(masks, axis=0)

    @compile
    def divided(
        network: KerasNetwork, images: Array, targets: Array, total: Array, coverage: Array
    ) -> Intermediates:
        signed = total / (options.masks * options.keep)
        if options.divide == "coverage":
            signed = total / ops.where(coverage > 0, coverage, ops.ones_like(coverage))
        return {"signed": signed, "heatmap": signed}

    return added(options.masks, ("cells", "shifts"), weighed, divided)
