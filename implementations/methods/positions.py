"""A map of activations and their gradients: channels by mean gradients, or positions by their own.

    w_c = mean_hw(G_c)    S = sum_c w_c A_c            `position`: S = sum_c G_c * A_c

Each framework's function gives both arrays, `weights` (N, c) where there are any, and the maps.
"""

from __future__ import annotations

from implementations.arrays import Array, Intermediates
from implementations.contract import Options
from implementations.methods import evidence


def reference(activations: Array, gradients: Array, options: Options) -> Intermediates:
    """All by name, of arrays (N, h, w, c)."""
    found = {"activations": activations, "gradients": gradients}
    if options.position:
        signed = (gradients * activations).sum(axis=-1)
    else:
        found["weights"] = gradients.mean(axis=(1, 2))
        signed = (activations * found["weights"][:, None, None, :]).sum(axis=-1)
    return {**found, **evidence.reference(signed, options.relu)}


def jax(activations: Array, gradients: Array, options: Options) -> Intermediates:
    """All by name, of arrays (N, h, w, c)."""
    import jax.numpy as jnp

    found = {"activations": activations, "gradients": gradients}
    if options.position:
        signed = (gradients * activations).sum(axis=-1)
    else:
        found["weights"] = gradients.mean(axis=(1, 2))
        signed = jnp.einsum("nhwc,nc->nhw", activations, found["weights"])
    return {**found, **evidence.jax(signed, options.relu)}


def pytorch(activations: Array, gradients: Array, options: Options) -> Intermediates:
    """All by name, of arrays (N, c, h, w)."""
    import torch

    found = {"activations": activations, "gradients": gradients}
    if options.position:
        signed = (gradients * activations).sum(dim=1)
    else:
        found["weights"] = gradients.mean(dim=(2, 3))
        signed = torch.einsum("nchw,nc->nhw", activations, found["weights"])
    return {**found, **evidence.pytorch(signed, options.relu)}


def keras(activations: Array, gradients: Array, options: Options) -> Intermediates:
    """All by name, of arrays (N, h, w, c)."""
    from keras import ops

    found = {"activations": activations, "gradients": gradients}
    _, height, width, _ = activations.shape
    if options.position:
        signed = ops.sum(gradients * activations, axis=-1)
    else:
        found["weights"] = ops.sum(gradients, axis=(1, 2)) / (height * width)
        signed = ops.einsum("nhwc,nc->nhw", activations, found["weights"])
    return {**found, **evidence.keras(signed, options.relu)}
