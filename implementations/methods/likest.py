"""The classes most like a target, those whose logits are nearest to its own, and their weights.

Of equally near ones the lower class. Weights add up to 1 over the `count` classes chosen, by
`weights` the same for all (`mean`) or as their probabilities are (`softmax`). Each framework's
function gives those (N, K) of logits (N, K), 0 for the target and the others.
"""

from __future__ import annotations

from implementations.arrays import Array


def reference(
    logits: Array, targets: Array, count: int, weights: str
) -> tuple[Array, Array, Array | None]:
    """The classes (N, count) and their weights, and how near each image (N,) is to another choice.

    As a share of its largest logit; None where all classes are chosen.
    """
    import numpy as np

    rows = np.arange(len(logits))
    distances = np.abs(logits - logits[rows, targets][:, None])
    distances[rows, targets] = np.inf
    near = distances.argsort(axis=1, kind="stable")[:, :count]
    chosen = np.take_along_axis(logits, near, axis=1)
    shares = np.ones_like(chosen)
    if weights == "softmax":
        shares = np.exp(chosen - chosen.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    if count == logits.shape[1] - 1:
        return near, shares, None
    inside, outside = np.sort(distances, axis=1)[:, count - 1 : count + 1].T
    peaks = np.abs(logits).max(axis=1)
    return near, shares, (outside - inside) / np.where(peaks > 0, peaks, 1)


def jax(logits: Array, targets: Array, count: int, weights: str) -> Array:
    """The weights (N, K)."""
    import jax
    import jax.numpy as jnp

    rows = jnp.arange(len(logits))[:, None]
    target = jax.nn.one_hot(targets, logits.shape[1], dtype=logits.dtype)
    own = jnp.take_along_axis(logits, targets[:, None], axis=1)
    distances = jnp.where(target > 0, jnp.inf, jnp.abs(logits - own))
    near = jnp.argsort(distances, axis=1)[:, :count]
    if weights == "softmax":
        shares = jax.nn.softmax(jnp.take_along_axis(logits, near, axis=1), axis=1)
    else:
        shares = jnp.full(near.shape, 1 / count, logits.dtype)
    return jnp.zeros_like(logits).at[rows, near].set(shares)


def pytorch(logits: Array, targets: Array, count: int, weights: str) -> Array:
    """The weights (N, K); a stable sort, because `topk` promises no order of equals."""
    import torch

    classes = torch.arange(logits.shape[1], device=logits.device)
    own = logits.gather(1, targets.long()[:, None])
    distances = (logits - own).abs().masked_fill(targets[:, None] == classes, torch.inf)
    near = distances.argsort(dim=1, stable=True)[:, :count]
    if weights == "softmax":
        shares = logits.gather(1, near).softmax(dim=1)
    else:
        shares = torch.full_like(near, 1 / count, dtype=logits.dtype)
    return torch.zeros_like(logits).scatter(1, near, shares)


def keras(logits: Array, targets: Array, count: int, weights: str) -> Array:
    """The weights (N, K), by each class's rank."""
    from keras import ops

    target = ops.one_hot(targets, logits.shape[1], dtype=logits.dtype)
    own = ops.sum(target * logits, axis=1, keepdims=True)
    distances = ops.where(target > 0, ops.full_like(logits, float("inf")), ops.abs(logits - own))
    ranks = ops.argsort(ops.argsort(distances, axis=1), axis=1)
    if weights == "softmax":
        outside = ops.full_like(logits, float("-inf"))
        return ops.softmax(ops.where(ranks < count, logits, outside), axis=1)
    return ops.cast(ranks < count, logits.dtype) / count
