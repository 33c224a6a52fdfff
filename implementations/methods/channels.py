"""Maps of channels that were scored some at a time: the last step of methods without a gradient.

    S = sum_c w_c A_c        heatmap = relu(S)

Weights (N, c), or several an image, (N K, c), those of an image side by side, come in blocks of
channels. Each framework's function gives `activations`, `weights` and the maps.
"""

from __future__ import annotations

from collections.abc import Sequence

from implementations.arrays import Array, Intermediates
from implementations.methods import evidence


def jax(activations: Array, blocks: Sequence[Array], relu: bool) -> Intermediates:
    """All by name, of activations (N, h, w, c)."""
    import jax.numpy as jnp

    weights = jnp.concatenate(blocks, axis=1)
    each = weights.reshape(len(activations), -1, weights.shape[1])
    signed = jnp.einsum("nhwc,nkc->nkhw", activations, each)
    maps = evidence.jax(signed.reshape(-1, *activations.shape[1:3]), relu)
    return {"activations": activations, "weights": weights, **maps}


def pytorch(activations: Array, blocks: Sequence[Array], relu: bool) -> Intermediates:
    """All by name, of activations (N, c, h, w)."""
    import torch

    weights = torch.cat(blocks, dim=1)
    each = weights.unflatten(0, (len(activations), -1))
    signed = torch.einsum("nchw,nkc->nkhw", activations, each)
    maps = evidence.pytorch(signed.flatten(0, 1), relu)
    return {"activations": activations, "weights": weights, **maps}


def keras(activations: Array, blocks: Sequence[Array], relu: bool) -> Intermediates:
    """All by name, of activations (N, h, w, c)."""
    from keras import ops

    weights = ops.concatenate(blocks, axis=1)
    number, height, width, channels = activations.shape
    each = ops.reshape(weights, (number, -1, channels))
    signed = ops.einsum("nhwc,nkc->nkhw", activations, each)
    maps = evidence.keras(ops.reshape(signed, (-1, height, width)), relu)
    return {"activations": activations, "weights": weights, **maps}
