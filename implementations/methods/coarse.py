"""RISE's masks: a coarse grid of cells, each open or not, upsampled, shifted and cut out.

The grid of `side` x `side` cells is upsampled to one cell more than the image needs, and an image's
size cut out of it. Each framework's function makes masks (m, H, W) of cells and shifts.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from implementations.architecture.graph import Architecture
from implementations.arrays import Array, Draws
from implementations.contract import KerasNetwork, Network, Options


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


def jax(network: Network, options: Options, cells: Array, shifts: Array) -> Array:
    """Each cut by `jax.lax.dynamic_slice`."""
    import jax

    height, width, _ = network.architecture.input_shape
    _, size = extent(options, network.architecture)

    def cut(grid: Array, shift: Array) -> Array:
        return jax.lax.dynamic_slice(grid, shift, (height, width))

    return jax.vmap(cut)(network.resize(cells, size), shifts)


def pytorch(network: Network, options: Options, cells: Array, shifts: Array) -> Array:
    """Cut out by indexing."""
    import torch

    height, width, _ = network.architecture.input_shape
    _, size = extent(options, network.architecture)
    each, rows, columns = (
        torch.arange(extent, device=cells.device) for extent in (len(cells), height, width)
    )
    rows, columns = shifts[:, :1] + rows, shifts[:, 1:] + columns
    grids = network.resize(cells, size)
    return grids[each[:, None, None], rows[:, :, None], columns[:, None, :]]


def keras(network: KerasNetwork, options: Options, cells: Array, shifts: Array) -> Array:
    """Taken from the flat grids, position by position."""
    from keras import ops

    height, width, _ = network.architecture.input_shape
    _, (tall, wide) = extent(options, network.architecture)
    each, rows, columns = (
        ops.arange(many, dtype="int32") for many in (cells.shape[0], height, width)
    )
    starts = each * (tall * wide) + shifts[:, 0] * wide + shifts[:, 1]
    places = rows[:, None] * wide + columns
    flat = ops.reshape(network.resize(cells, (tall, wide)), (-1,))
    return ops.take(flat, starts[:, None, None] + places)
