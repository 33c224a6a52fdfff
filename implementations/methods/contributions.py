"""What image and nodes contribute to a logit, added up and painted: FullGrad's two sums.

Of the products of values with their gradients, (N, h, w, c) or (N, c), one a node or the image's:

    total (N,) = the sum of all        map (N, H, W) = sum_l U(sum_c r01(|product_l|)_c)

the map over those with positions. r01 brings an image's values to [0, 1] by their minimum and
maximum, of a whole node or, `rescale=channel`, of each channel; `rescale=none` leaves them.
"""

from __future__ import annotations

from collections.abc import Iterable

from implementations.arrays import Array
from implementations.contract import KerasNetwork, Network, OracleNetwork


def reference(
    network: OracleNetwork, products: Iterable[Array], rescale: str
) -> tuple[Array, Array]:
    """Total (N,) and map (N, H, W)."""
    import numpy as np

    def rescaled(values: Array) -> Array:
        if rescale == "none":
            return values
        axes = (1, 2) if rescale == "channel" else (1, 2, 3)
        lowest = values.min(axis=axes, keepdims=True)
        extent = values.max(axis=axes, keepdims=True) - lowest
        return (values - lowest) / np.where(extent > 0, extent, 1)

    total = signed = 0
    for product in products:
        total = total + product.reshape(len(product), -1).sum(axis=1)
        if product.ndim == 4:
            maps = rescaled(np.abs(product)).sum(axis=-1)
            signed = signed + network.resize(maps, network.architecture.input_shape[:2])
    return total, signed


def jax(network: Network, products: Iterable[Array], rescale: str) -> tuple[Array, Array]:
    """Total (N,) and map (N, H, W)."""
    import jax.numpy as jnp

    def rescaled(values: Array) -> Array:
        if rescale == "none":
            return values
        axes = (1, 2) if rescale == "channel" else (1, 2, 3)
        lowest = values.min(axis=axes, keepdims=True)
        extent = values.max(axis=axes, keepdims=True) - lowest
        return (values - lowest) / jnp.where(extent > 0, extent, 1)

    total = signed = 0
    for product in products:
        total = total + product.reshape(len(product), -1).sum(axis=1)
        if product.ndim == 4:
            maps = rescaled(jnp.abs(product)).sum(axis=-1)
            signed = signed + network.resize(maps, network.architecture.input_shape[:2])
    return total, signed


def pytorch(network: Network, products: Iterable[Array], rescale: str) -> tuple[Array, Array]:
    """Total (N,) and map (N, H, W), of products (N, c, h, w)."""
    import torch

    def rescaled(values: Array) -> Array:
        if rescale == "none":
            return values
        axes = (2, 3) if rescale == "channel" else (1, 2, 3)
        lowest = values.amin(dim=axes, keepdim=True)
        extent = values.amax(dim=axes, keepdim=True) - lowest
        return (values - lowest) / torch.where(extent > 0, extent, 1)

    total = signed = 0
    for product in products:
        total = total + product.flatten(1).sum(dim=1)
        if product.ndim == 4:
            maps = rescaled(product.abs()).sum(dim=1)
            signed = signed + network.resize(maps, network.architecture.input_shape[:2])
    return total, signed


def keras(network: KerasNetwork, products: Iterable[Array], rescale: str) -> tuple[Array, Array]:
    """Total (N,) and map (N, H, W)."""
    from keras import ops

    def rescaled(values: Array) -> Array:
        if rescale == "none":
            return values
        axes = (1, 2) if rescale == "channel" else (1, 2, 3)
        lowest = ops.amin(values, axes, True)
        extent = ops.amax(values, axes, True) - lowest
        return (values - lowest) / ops.where(extent > 0, extent, ops.ones_like(extent))

    total = signed = 0
    for product in products:
        total = total + ops.sum(ops.reshape(product, (product.shape[0], -1)), axis=1)
        if len(product.shape) == 4:
            maps = ops.sum(rescaled(ops.abs(product)), axis=-1)
            signed = signed + network.resize(maps, network.architecture.input_shape[:2])
    return total, signed
