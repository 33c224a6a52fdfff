"""Finer-CAM (Zhang et al. 2025, arXiv 2501.11309).

Grad-CAM of what sets a class apart from those most like it, D: the few whose logits are nearest to
its own, of equally near ones the lower class.

    F = z_k - strength mean_{d in D} z_d        w_c = mean_hw(d F / d A_c)        S = sum_c w_c A_c
    heatmap = relu(S)

`weights=softmax` has the classes of D weigh as their probabilities do, as in the authors' code. D
and its weights are constants: nothing is differentiated through them. The score is the logit only.
"""

from __future__ import annotations

from implementations.arrays import Array, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods import evidence
from implementations.methods.card import Choice, Method, Number, once
from implementations.methods.evidence import RELU

METHOD = Method(
    title="Finer-CAM",
    paper="arXiv 2501.11309",
    at="layer",
    classes="pulled",
    intermediates=("activations", "gradients", "weights", "signed", "heatmap"),
    options={
        "strength": Number(0.6, 0.0, 100.0, "what the classes most like it take away"),
        "classes": Number(3, 1, 1_000_000, "how many of them, fewer where there are fewer"),
        "weights": Choice("mean", ("mean", "softmax"), "of these classes"),
        "relu": RELU,
    },
    cost=once(),
    scores=("logit",),
    thresholds=lambda architecture, layer: 1,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one class after another; it notes how near another class is to being in."""
    import numpy as np

    count = min(options.classes, network.architecture.classes - 1)

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        logits = network.head(layer, activations, rest)
        rows = np.arange(len(logits))
        distances = np.abs(logits - logits[rows, targets][:, None])
        distances[rows, targets] = np.inf
        near = distances.argsort(axis=1, kind="stable")[:, :count]

        chosen = np.take_along_axis(logits, near, axis=1)
        shares = np.ones_like(chosen)
        if options.weights == "softmax":
            shares = np.exp(chosen - chosen.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        gradients = network.pull_back(layer, activations, rest, targets, "logit")
        for others, share in zip(near.T, shares.T, strict=True):
            taken = network.pull_back(layer, activations, rest, others, "logit")
            gradients = gradients - options.strength * share[:, None, None, None] * taken

        if count < logits.shape[1] - 1:
            inside, outside = np.sort(distances, axis=1)[:, count - 1 : count + 1].T
            peaks = np.abs(logits).max(axis=1)
            network.note_margin((outside - inside) / np.where(peaks > 0, peaks, 1))
        weights = gradients.mean(axis=(1, 2))
        signed = (activations * weights[:, None, None, :]).sum(axis=-1)
        maps = evidence.reference(signed, options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.vjp` of the head: all classes of an image are one cotangent."""
    import jax
    import jax.numpy as jnp

    count = min(options.classes, network.architecture.classes - 1)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        logits, pull_back = jax.vjp(lambda inner: network.head(layer, inner, rest), activations)
        target = jax.nn.one_hot(targets, logits.shape[1], dtype=logits.dtype)
        own = jnp.take_along_axis(logits, targets[:, None], axis=1)
        distances = jnp.where(target > 0, jnp.inf, jnp.abs(logits - own))
        near = jnp.argsort(distances, axis=1)[:, :count]
        if options.weights == "softmax":
            shares = jax.nn.softmax(jnp.take_along_axis(logits, near, axis=1), axis=1)
        else:
            shares = jnp.full(near.shape, 1 / count, logits.dtype)
        others = jnp.zeros_like(logits).at[jnp.arange(len(logits))[:, None], near].set(shares)
        (gradients,) = pull_back(target - options.strength * others)
        weights = gradients.mean(axis=(1, 2))
        maps = evidence.jax(jnp.einsum("nhwc,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.vjp` of the head; a stable sort, because `topk` promises no order of equals."""
    import torch

    count = min(options.classes, network.architecture.classes - 1)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        logits, pull_back = torch.func.vjp(
            lambda inner: network.head(layer, inner, rest), activations
        )
        classes = torch.arange(logits.shape[1], device=logits.device)
        target = targets[:, None] == classes
        own = logits.gather(1, targets.long()[:, None])
        distances = (logits - own).abs().masked_fill(target, torch.inf)
        near = distances.argsort(dim=1, stable=True)[:, :count]
        if options.weights == "softmax":
            shares = logits.gather(1, near).softmax(dim=1)
        else:
            shares = torch.full_like(near, 1 / count, dtype=logits.dtype)
        others = torch.zeros_like(logits).scatter(1, near, shares)
        (gradients,) = pull_back(target.to(logits.dtype) - options.strength * others)
        weights = gradients.mean(dim=(2, 3))
        maps = evidence.pytorch(torch.einsum("nchw,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """The network's gradient of one weighted sum of its logits, the weights held constant."""
    from keras import ops

    network.split(layer)
    number = network.architecture.classes
    count = min(options.classes, number - 1)

    def cotangents(logits: Array, targets: Array) -> Array:
        target = ops.one_hot(targets, number, dtype=logits.dtype)
        own = ops.sum(target * logits, axis=1, keepdims=True)
        distances = ops.where(
            target > 0, ops.full_like(logits, float("inf")), ops.abs(logits - own)
        )
        ranks = ops.argsort(ops.argsort(distances, axis=1), axis=1)
        if options.weights == "softmax":
            outside = ops.full_like(logits, float("-inf"))
            others = ops.softmax(ops.where(ranks < count, logits, outside), axis=1)
        else:
            others = ops.cast(ranks < count, logits.dtype) / count
        return target - options.strength * others

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def contrast(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return ops.sum(cotangents(ops.stop_gradient(logits), targets) * logits)

        gradients = network.gradient(contrast)(activations)
        _, height, width, _ = activations.shape
        weights = ops.sum(gradients, axis=(1, 2)) / (height * width)
        maps = evidence.keras(ops.einsum("nhwc,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

    return compile(explain)
