"""A score to second order in the logits, where all before them is piecewise linear: ShapleyCAM's.

With u how the logits z change along the activations, u = J A, the pull-back of

    ds/dz - H u / 2,    H = d2 s / dz dz

through the head is the gradient less half the second derivative times A. Each framework's function
gives it, (N, K), with that of z_k added for a `residual`; u is asked for only where H is not 0.
"""

from __future__ import annotations

from collections.abc import Callable

from implementations.architecture.graph import Architecture, cut
from implementations.architecture.kinds import KINDS
from implementations.arrays import Array
from implementations.contract import KerasNetwork, Network, Options
from implementations.errors import BadInput


def applies(architecture: Architecture, layer: str) -> str | None:
    """Why the method cannot serve at this layer, or None."""
    for node in cut(architecture, layer).head:
        if KINDS[node.kind].curved:
            return f"past the layer all must be piecewise linear; {node.name!r} is {node.kind}"
    return None


def checked(options: Options) -> None:
    """Raise BadInput for a residual of another score than the log-probability."""
    if options.residual and options.score != "log_probability":
        raise BadInput(
            f"shapley_cam's residual is of log_probability, not {options.score}; omit --score"
        )


def reference(options: Options, logits: Array, u: Array, targets: Array) -> Array:
    """H u (N, K) alone, in float64 NumPy, summed over differences."""
    import numpy as np

    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    q = exponentials / exponentials.sum(axis=1, keepdims=True)
    # How the log of each probability changes along A.
    change = (q[:, None, :] * (u[:, :, None] - u[:, None, :])).sum(axis=2)
    curvature = -q * change
    if options.score == "probability":
        chosen = targets[:, None] == np.arange(logits.shape[1])
        curvature = q[chosen][:, None] * ((chosen - q) * change[chosen][:, None] + curvature)
    return curvature


def jax(
    network: Network, options: Options, logits: Array, u: Callable[[], Array], targets: Array
) -> Array:
    """`jax.jvp` of a `jax.grad` for H u."""
    import jax

    def score(logits: Array) -> Array:
        return network.score(options.score, logits, targets).sum()

    slopes, curvature = jax.jvp(jax.grad(score), (logits,), (u(),))
    cotangent = slopes - curvature / 2
    if options.residual:
        cotangent += jax.nn.one_hot(targets, logits.shape[1], dtype=logits.dtype)
    return cotangent


def pytorch(
    network: Network, options: Options, logits: Array, u: Callable[[], Array], targets: Array
) -> Array:
    """H u in closed form."""
    import torch

    def score(logits: Array) -> Array:
        return network.score(options.score, logits, targets).sum()

    cotangent, k = torch.func.grad(score)(logits), targets[:, None]
    if options.score != "logit":
        q, change = logits.softmax(dim=1), u()
        # Beside the target's: of a sure class it is a sum of small terms, not a difference.
        change = change - change.gather(1, k)
        change = change - (q * change).sum(dim=1, keepdim=True)
        curvature = -q * change
        if options.score == "probability":
            chosen = torch.zeros_like(q).scatter(1, k, 1)
            curvature = q.gather(1, k) * ((chosen - q) * change.gather(1, k) + curvature)
        cotangent = cotangent - curvature / 2
    if options.residual:
        cotangent = cotangent.scatter_add(1, k, torch.ones_like(cotangent))
    return cotangent


def keras(
    network: KerasNetwork, options: Options, logits: Array, u: Callable[[], Array], targets: Array
) -> Array:
    """H u in closed form."""
    from keras import ops

    def score(logits: Array) -> Array:
        return ops.sum(network.score(options.score, logits, targets))

    chosen = ops.one_hot(targets, logits.shape[1], dtype=logits.dtype)
    cotangent = network.gradient(score)(logits)
    if options.score != "logit":
        q, change = ops.softmax(logits, axis=1), u()
        change = change - ops.sum(chosen * change, axis=1, keepdims=True)
        change = change - ops.sum(q * change, axis=1, keepdims=True)
        curvature = -q * change
        if options.score == "probability":
            ours, certain = (ops.sum(chosen * a, axis=1, keepdims=True) for a in (change, q))
            curvature = certain * ((chosen - q) * ours + curvature)
        cotangent = cotangent - curvature / 2
    return cotangent + chosen if options.residual else cotangent
