"""Each map from its own minimum to its own maximum as 0 to 1; a constant map is 0.

    r01(M) = (M - min M) / (max M - min M)

Each framework's function takes maps (N, h, w) and gives as many.
"""

from __future__ import annotations

from implementations.arrays import Array


def reference(maps: Array) -> Array:
    """In float64 NumPy."""
    import numpy as np

    lowest = maps.min(axis=(1, 2), keepdims=True)
    extent = maps.max(axis=(1, 2), keepdims=True) - lowest
    return np.divide(maps - lowest, extent, out=np.zeros_like(maps), where=extent > 0)


def jax(maps: Array) -> Array:
    """By a divisor of 1 where there is no extent."""
    import jax.numpy as jnp

    lowest = maps.min(axis=(1, 2), keepdims=True)
    extent = maps.max(axis=(1, 2), keepdims=True) - lowest
    return (maps - lowest) / jnp.where(extent > 0, extent, 1)


def pytorch(maps: Array) -> Array:
    """By a divisor of 1 where there is no extent."""
    import torch

    lowest = maps.amin(dim=(1, 2), keepdim=True)
    extent = maps.amax(dim=(1, 2), keepdim=True) - lowest
    return (maps - lowest) / torch.where(extent > 0, extent, 1)


def keras(maps: Array) -> Array:
    """By a divisor of 1 where there is no extent."""
    from keras import ops

    lowest = ops.amin(maps, (1, 2), True)
    extent = ops.amax(maps, (1, 2), True) - lowest
    return (maps - lowest) / ops.where(extent > 0, extent, ops.ones_like(extent))
