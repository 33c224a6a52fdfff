"""RISE (Petsiuk et al. 2018, arXiv 1806.07421).

The score of the image behind n random masks, each pixel the masks' mean weighted by these scores:

    M_i = a coarse grid of cells, each open with probability keep, upsampled and shifted at random
    S = sum_i s_k(x * M_i) M_i / (n keep)        heatmap = S, signed

The grid of `side` x `side` cells is upsampled to one cell more than the image needs, and an image's
size cut out of it. It is linear in the score, whose offset shows in the map: so the score is the
probability unless asked. `divide=coverage` divides by the masks' sum in each pixel instead.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from implementations.architecture.graph import Architecture
from implementations.arrays import Array, Draws, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods.card import Choice, Cost, Method, Number
from implementations.methods.passes import parts


def extent(options: Options, architecture: Architecture) -> tuple[tuple[int, int], tuple[int, int]]:
    """Size of a cell, in pixels, and of the upsampled grid, a cell larger than the image."""
    height, width, _ = architecture.input_shape
    tall, wide = -(-height // options.side), -(-width // options.side)
    return (tall, wide), ((options.side + 1) * tall, (options.side + 1) * wide)


def grids(options: Options, architecture: Architecture, layer: str, generator: Generator) -> Draws:
    """Cells (n, side, side), 1 where open, and shifts (n, 2) of less than a cell, in pixels."""
    cell, _ = extent(options, architecture)
    cells = generator.random((options.masks, options.side, options.side)) < options.keep
    shifts = generator.integers(0, cell, (options.masks, 2))
    return {"cells": cells.astype(np.float64), "shifts": shifts.astype(np.int32)}


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
    draws=grids,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one mask after another."""
    height, width, _ = network.architecture.input_shape
    _, size = extent(options, network.architecture)

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        total, coverage = np.zeros(images.shape[:3]), np.zeros((height, width))
        for cells, (top, left) in zip(draws["cells"], draws["shifts"], strict=True):
            mask = network.resize(cells[None], size)[0, top : top + height, left : left + width]
            scores = network.score(options.score, network(images * mask[..., None]), targets)
            total += scores[:, None, None] * mask
            coverage += mask
        if options.divide == "expectation":
            signed = total / (options.masks * options.keep)
        else:
            signed = np.divide(total, coverage, out=np.zeros_like(total), where=coverage > 0)
        return {"signed": signed, "heatmap": signed}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.vmap` over the masks of a pass, each cut by `jax.lax.dynamic_slice`."""
    import jax
    import jax.numpy as jnp

    height, width, _ = network.architecture.input_shape
    _, size = extent(options, network.architecture)

    @compile
    def weighed(
        network: Network, images: Array, targets: Array, cells: Array, shifts: Array
    ) -> dict[str, Array]:
        def cut(grid: Array, shift: Array) -> Array:
            return jax.lax.dynamic_slice(grid, shift, (height, width))

        def score(mask: Array) -> Array:
            logits = network(images * mask[..., None])
            return network.score(options.score, logits, targets)

        masks = jax.vmap(cut)(network.resize(cells, size), shifts)
        total = jnp.einsum("mn,mhw->nhw", jax.vmap(score)(masks), masks)
        return {"total": total, "coverage": masks.sum(axis=0)}

    @compile
    def divided(network: Network, total: Array, coverage: Array) -> Intermediates:
        if options.divide == "expectation":
            signed = total / (options.masks * options.keep)
        else:
            signed = total / jnp.where(coverage > 0, coverage, 1)
        return {"signed": signed, "heatmap": signed}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        cells, shifts = draws["cells"], draws["shifts"]
        found = [
            weighed(network, images, targets, cells[some], shifts[some])
            for some in parts(options.masks, network.capacity // len(images))
        ]
        total, coverage = (sum(part[name] for part in found) for name in ("total", "coverage"))
        return divided(network, total, coverage)  # type: ignore[no-any-return]

    return explain


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """A batch that holds every image behind several masks, cut out by indexing."""
    import torch

    height, width, _ = network.architecture.input_shape
    _, size = extent(options, network.architecture)

    @compile
    def weighed(
        network: Network, images: Array, targets: Array, cells: Array, shifts: Array
    ) -> dict[str, Array]:
        each, rows, columns = (
            torch.arange(extent, device=cells.device) for extent in (len(cells), height, width)
        )
        rows, columns = shifts[:, :1] + rows, shifts[:, 1:] + columns
        grids = network.resize(cells, size)
        masks = grids[each[:, None, None], rows[:, :, None], columns[:, None, :]]
        masked = (images * masks[:, None, None]).flatten(0, 1)
        scores = network.score(options.score, network(masked), targets.repeat(len(masks)))
        total = torch.einsum("mn,mhw->nhw", scores.view(len(masks), -1), masks)
        return {"total": total, "coverage": masks.sum(dim=0)}

    @compile
    def divided(network: Network, total: Array, coverage: Array) -> Intermediates:
        if options.divide == "expectation":
            signed = total / (options.masks * options.keep)
        else:
            signed = total / torch.where(coverage > 0, coverage, 1)
        return {"signed": signed, "heatmap": signed}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        cells, shifts = draws["cells"], draws["shifts"]
        found = [
            weighed(network, images, targets, cells[some], shifts[some])
            for some in parts(options.masks, network.capacity // len(images))
        ]
        total, coverage = (sum(part[name] for part in found) for name in ("total", "coverage"))
        return divided(network, total, coverage)  # type: ignore[no-any-return]

    return explain


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout: masks are taken from the flat grids, position by position."""
    from keras import ops

    height, width, _ = network.architecture.input_shape
    _, (tall, wide) = extent(options, network.architecture)
    places = np.arange(height)[:, None] * wide + np.arange(width)
    corner = ops.convert_to_tensor(places.astype(np.int32))
    stride = ops.convert_to_tensor(np.array([wide, 1], np.int32))

    @compile
    def weighed(
        network: KerasNetwork, images: Array, targets: Array, cells: Array, shifts: Array
    ) -> dict[str, Array]:
        count = cells.shape[0]
        grids = network.resize(cells, (tall, wide))
        starts = ops.arange(count, dtype="int32") * (tall * wide) + ops.sum(shifts * stride, axis=1)
        masks = ops.take(ops.reshape(grids, (-1,)), starts[:, None, None] + corner)
        masked = ops.reshape(images * masks[:, None, :, :, None], (-1, *images.shape[1:]))
        scores = network.score(options.score, network(masked), ops.tile(targets, count))
        total = ops.einsum("mn,mhw->nhw", ops.reshape(scores, (count, -1)), masks)
        return {"total": total, "coverage": ops.sum(masks, axis=0)}

    @compile
    def divided(network: KerasNetwork, total: Array, coverage: Array) -> Intermediates:
        if options.divide == "expectation":
            signed = total / (options.masks * options.keep)
        else:
            signed = total / ops.where(coverage > 0, coverage, ops.ones_like(coverage))
        return {"signed": signed, "heatmap": signed}

    def explain(
        network: KerasNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        cells, shifts = draws["cells"], draws["shifts"]
        found = [
            weighed(network, images, targets, cells[some], shifts[some])
            for some in parts(options.masks, network.capacity // images.shape[0])
        ]
        total, coverage = (sum(part[name] for part in found) for name in ("total", "coverage"))
        return divided(network, total, coverage)  # type: ignore[no-any-return]

    return explain
