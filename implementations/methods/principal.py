"""The first principal map of a layer's values: what class activation maps of eigenvectors share.

X (h w, c) has a row a position and a column a channel, and v is the direction of most of it:

    v = unit eigenvector of X'X for its largest eigenvalue        S = X v
    sign: sum_c v_c > 0;  where |sum_c v_c| <= 1e-9, the entry of S of largest magnitude > 0

With `centred` each channel's mean over the positions is subtracted from X first, and before that
its minimum: the mean of a constant may be the constant but for rounding. Where X >= 0 so
are v and S. Rounding is magnified by `condition` (N,), 1 / `gap`, and gap = 1 - (second singular
value / first): 1 of one channel, 0 of X = 0, whose map is 0. v is `weights` (N, c), S is `signed`.

X'X and XX' have one spectrum, so the smaller is taken; from u of XX' comes v = X'u / |X'u|. Both
are made of X over its largest magnitude, the square of which float32 may have no room for.
"""

from __future__ import annotations

from implementations.arrays import Array, Intermediates
from implementations.contract import OracleNetwork
from implementations.methods.card import Flag

CENTRED = Flag(False, "subtract each channel's mean over the positions first")
"""The option."""
NEITHER = 1e-9
"""So small a sum of v has no sign."""
SQUARINGS = 20
"""Of a matrix whose trace is 1: as good as 2^20 power steps, in products alone."""


def reference(network: OracleNetwork, values: Array, centred: bool) -> Intermediates:
    """`weights`, `signed`, `gap`, `condition` of values (N, h, w, c), by singular values.

    The network notes how near the direction is to another, and its sign to the other.
    """
    import numpy as np

    rows = values.reshape(len(values), -1, values.shape[-1])
    if centred:
        rows = rows - rows.min(axis=1, keepdims=True)
        rows = rows - rows.mean(axis=1, keepdims=True)
    _, singular, vectors = np.linalg.svd(rows, full_matrices=False)
    vector = vectors[:, 0]
    mapped = np.einsum("npc,nc->np", rows, vector)
    total = vector.sum(axis=1)
    largest = np.take_along_axis(mapped, np.abs(mapped).argmax(axis=1)[:, None], axis=1)[:, 0]
    sign = np.where(np.where(np.abs(total) > NEITHER, total, largest) < 0, -1.0, 1.0)[:, None]
    first, second = singular[:, 0], singular[:, 1] if singular.shape[1] > 1 else 0 * singular[:, 0]
    gap = np.divide(first - second, first, out=np.zeros_like(first), where=first > 0)
    network.note_margin(np.where(first > 0, gap, np.inf))
    network.note_margin(np.where(np.abs(total) > NEITHER, np.abs(total), np.inf))
    condition = np.divide(1, gap, out=np.zeros_like(gap), where=gap > 0)
    signed = (sign * mapped).reshape(values.shape[:3])
    return {"weights": sign * vector, "signed": signed, "gap": gap, "condition": condition}


def jax(values: Array, centred: bool) -> Intermediates:
    """`weights` and `signed` of values (N, h, w, c), by squarings: no solver, on any device."""
    import jax.numpy as jnp

    rows = values.reshape(len(values), -1, values.shape[-1])
    if centred:
        rows = rows - rows.min(axis=1, keepdims=True)
        rows = rows - rows.mean(axis=1, keepdims=True)
    peak = jnp.abs(rows).max(axis=(1, 2), keepdims=True)
    scaled = rows / jnp.where(peak > 0, peak, 1)
    turned = scaled.swapaxes(1, 2)
    tall = rows.shape[1] >= rows.shape[2]
    power = turned @ scaled if tall else scaled @ turned
    for _ in range(SQUARINGS):
        trace = jnp.trace(power, axis1=1, axis2=2)[:, None, None]
        power = power / jnp.where(trace > 0, trace, 1)
        power = power @ power
    column = jnp.diagonal(power, axis1=1, axis2=2).argmax(axis=1)[:, None, None]
    vector = jnp.take_along_axis(power, column, axis=2)
    vector = vector if tall else turned @ vector
    length = jnp.sqrt((vector**2).sum(axis=1, keepdims=True))
    vector = vector / jnp.where(length > 0, length, 1)
    mapped, vector = (rows @ vector)[..., 0], vector[..., 0]
    total = vector.sum(axis=1, keepdims=True)
    largest = jnp.take_along_axis(mapped, jnp.abs(mapped).argmax(axis=1)[:, None], axis=1)
    sign = jnp.where(jnp.where(jnp.abs(total) > NEITHER, total, largest) < 0, -1, 1)
    return {"weights": sign * vector, "signed": (sign * mapped).reshape(values.shape[:3])}


def pytorch(values: Array, centred: bool) -> Intermediates:
    """`weights`, `signed` and `gap` of values (N, c, h, w), by `torch.linalg.eigh`."""
    import torch

    # There is no eigh below single precision.
    turned = values.flatten(2).to(torch.promote_types(values.dtype, torch.float32))
    if centred:
        turned = turned - turned.amin(dim=2, keepdim=True)
        turned = turned - turned.mean(dim=2, keepdim=True)
    rows, peak = turned.mT, turned.abs().amax(dim=(1, 2), keepdim=True)
    turned = turned / torch.where(peak > 0, peak, 1)
    tall = rows.shape[1] >= rows.shape[2]
    eigenvalues, vectors = torch.linalg.eigh(turned @ turned.mT if tall else turned.mT @ turned)
    vector = vectors[..., -1:] if tall else turned @ vectors[..., -1:]
    length = vector.norm(dim=1, keepdim=True)
    vector = vector / torch.where(length > 0, length, 1)
    mapped, vector = (rows @ vector)[..., 0], vector[..., 0]
    total = vector.sum(dim=1, keepdim=True)
    largest = mapped.gather(1, mapped.abs().argmax(dim=1, keepdim=True))
    sign = torch.where(torch.where(total.abs() > NEITHER, total, largest) < 0, -1, 1)
    singular = eigenvalues[:, -2:].clamp(min=0).sqrt()
    first, second = singular[:, -1], singular[:, 0] if singular.shape[1] > 1 else 0
    signed = (sign * mapped).view_as(values[:, 0]).to(values.dtype)
    return {
        "weights": (sign * vector).to(values.dtype),
        "signed": signed,
        "gap": ((first - second) / torch.where(first > 0, first, 1)).to(values.dtype),
    }


def keras(values: Array, centred: bool) -> Intermediates:
    """`weights` and `signed` of values (N, h, w, c), by squarings: eigh is slow in XLA."""
    from keras import ops

    number, height, width, channels = values.shape
    rows = ops.reshape(values, (number, height * width, channels))
    if centred:
        rows = rows - ops.amin(rows, 1, True)
        rows = rows - ops.sum(rows, axis=1, keepdims=True) / (height * width)
    peak = ops.amax(ops.abs(rows), (1, 2), True)
    scaled = rows / ops.where(peak > 0, peak, ops.ones_like(peak))
    turned = ops.transpose(scaled, (0, 2, 1))
    tall = height * width >= channels
    power = ops.matmul(turned, scaled) if tall else ops.matmul(scaled, turned)
    for _ in range(SQUARINGS):
        trace = ops.sum(ops.diagonal(power, axis1=1, axis2=2), axis=1)[:, None, None]
        power = power / ops.where(trace > 0, trace, ops.ones_like(trace))
        power = ops.matmul(power, power)
    column = ops.argmax(ops.diagonal(power, axis1=1, axis2=2), axis=1)[:, None, None]
    vector = ops.take_along_axis(power, column, axis=2)
    vector = vector if tall else ops.matmul(turned, vector)
    length = ops.sqrt(ops.sum(vector * vector, axis=1, keepdims=True))
    vector = vector / ops.where(length > 0, length, ops.ones_like(length))
    mapped, vector = ops.matmul(rows, vector)[..., 0], vector[..., 0]
    total = ops.sum(vector, axis=1, keepdims=True)
    farthest = ops.argmax(ops.abs(mapped), axis=1)[:, None]
    largest = ops.take_along_axis(mapped, farthest, axis=1)
    ones = ops.ones_like(total)
    sign = ops.where(ops.where(ops.abs(total) > NEITHER, total, largest) < 0, -ones, ones)
    signed = ops.reshape(sign * mapped, (number, height, width))
    return {"weights": sign * vector, "signed": signed}
