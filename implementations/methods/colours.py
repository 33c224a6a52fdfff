"""From an attribution of every pixel and colour to a map: the convention of all gradients' methods.

    abs: max_c |G_c|        square: max_c G_c^2        signed: the G_c of largest |G_c|

Of equal magnitudes the first colour's. `signed` is kept by that name too.
"""

from __future__ import annotations

from implementations.arrays import Array, Intermediates
from implementations.methods.card import Choice

FORM = Choice("abs", ("abs", "square", "signed"), "what is kept of the gradient")
"""The option that names it."""


def reference(gradients: Array, form: str) -> Intermediates:
    """`heatmap` (N, H, W) of gradients (N, H, W, C)."""
    import numpy as np

    if form == "signed":
        largest = np.abs(gradients).argmax(axis=-1)[..., None]
        signed = np.take_along_axis(gradients, largest, axis=-1)[..., 0]
        return {"signed": signed, "heatmap": signed}
    magnitude = np.abs(gradients) if form == "abs" else gradients**2
    return {"heatmap": magnitude.max(axis=-1)}


def jax(gradients: Array, form: str) -> Intermediates:
    """`heatmap` (N, H, W) of gradients (N, H, W, C)."""
    import jax.numpy as jnp

    if form == "signed":
        largest = jnp.abs(gradients).argmax(axis=-1, keepdims=True)
        signed = jnp.take_along_axis(gradients, largest, axis=-1)[..., 0]
        return {"signed": signed, "heatmap": signed}
    magnitude = jnp.abs(gradients) if form == "abs" else gradients**2
    return {"heatmap": magnitude.max(axis=-1)}


def pytorch(gradients: Array, form: str) -> Intermediates:
    """`heatmap` (N, H, W) of gradients (N, C, H, W)."""
    if form == "signed":
        largest = gradients.abs().argmax(dim=1, keepdim=True)
        signed = gradients.gather(1, largest)[:, 0]
        return {"signed": signed, "heatmap": signed}
    magnitude = gradients.abs() if form == "abs" else gradients**2
    return {"heatmap": magnitude.amax(dim=1)}


def keras(gradients: Array, form: str) -> Intermediates:
    """`heatmap` (N, H, W) of gradients (N, H, W, C)."""
    from keras import ops

    if form == "signed":
        largest = ops.expand_dims(ops.argmax(ops.abs(gradients), axis=-1), -1)
        signed = ops.take_along_axis(gradients, largest, axis=-1)[..., 0]
        return {"signed": signed, "heatmap": signed}
    magnitude = ops.abs(gradients) if form == "abs" else ops.square(gradients)
    return {"heatmap": ops.amax(magnitude, axis=-1)}
