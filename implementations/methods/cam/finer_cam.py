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
from implementations.methods import evidence, likest
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
    count = min(options.classes, network.architecture.classes - 1)

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        logits = network.head(layer, activations, rest)
        near, shares, margin = likest.reference(logits, targets, count, options.weights)
        gradients = network.pull_back(layer, activations, rest, targets, "logit")
        for others, share in zip(near.T, shares.T, strict=True):
            taken = network.pull_back(layer, activations, rest, others, "logit")
            gradients = gradients - options.strength * share[:, None, None, None] * taken
        if margin is not None:
            network.note_margin(margin)
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
        others = likest.jax(logits, targets, count, options.weights)
        (gradients,) = pull_back(target - options.strength * others)
        weights = gradients.mean(axis=(1, 2))
        maps = evidence.jax(jnp.einsum("nhwc,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.vjp` of the head: all classes of an image are one cotangent."""
    import torch

    count = min(options.classes, network.architecture.classes - 1)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        logits, pull_back = torch.func.vjp(
            lambda inner: network.head(layer, inner, rest), activations
        )
        classes = torch.arange(logits.shape[1], device=logits.device)
        target = (targets[:, None] == classes).to(logits.dtype)
        others = likest.pytorch(logits, targets, count, options.weights)
        (gradients,) = pull_back(target - options.strength * others)
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
        others = likest.keras(logits, targets, count, options.weights)
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
