"""Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391).

The activations A of a layer, each channel weighted by the mean gradient of the class score s_k:

    w_c = mean_hw(d s_k / d A_c)        S = sum_c w_c A_c        heatmap = relu(S)

S is kept as `signed`. Only the head after the layer is differentiated.
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
from implementations.methods.card import Choice, Flag, Method, once

METHOD = Method(
    title="Grad-CAM",
    paper="arXiv 1610.02391",
    at="layer",
    classes="pulled",
    intermediates=("activations", "gradients", "weights", "signed", "heatmap"),
    options={
        "reduction": Choice("sum", ("sum", "mean"), "over the channels"),
        "relu": Flag(True, "keep only the evidence for the class"),
    },
    cost=once(),
    tolerance=2e-6,
    core=True,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the gradient by hand."""
    import numpy as np

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        gradients = network.pull_back(layer, activations, rest, targets, options.score)
        weights = gradients.mean(axis=(1, 2))
        signed = getattr(np, options.reduction)(activations * weights[:, None, None, :], axis=-1)
        heatmap = np.maximum(signed, 0) if options.relu else signed
        return {
            "activations": activations,
            "gradients": gradients,
            "weights": weights,
            "signed": signed,
            "heatmap": heatmap,
        }

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of the head."""
    import jax
    import jax.numpy as jnp

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return network.score(options.score, logits, targets).sum()

        gradients = jax.grad(score)(activations)
        weights = gradients.mean(axis=(1, 2))
        signed = jnp.einsum("nhwc,nc->nhw", activations, weights)
        if options.reduction == "mean":
            signed = signed / activations.shape[-1]
        heatmap = jax.nn.relu(signed) if options.relu else signed
        return {
            "activations": activations,
            "gradients": gradients,
            "weights": weights,
            "signed": signed,
            "heatmap": heatmap,
        }

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of the head, which `torch.compile` can trace whole."""
    import torch

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return network.score(options.score, logits, targets).sum()

        gradients = torch.func.grad(score)(activations)
        weights = gradients.mean(dim=(2, 3))
        signed = torch.einsum("nchw,nc->nhw", activations, weights)
        if options.reduction == "mean":
            signed = signed / activations.shape[1]
        heatmap = torch.relu(signed) if options.relu else signed
        return {
            "activations": activations,
            "gradients": gradients,
            "weights": weights,
            "signed": signed,
            "heatmap": heatmap,
        }

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; the gradient is the network's, whatever the backend."""
    from keras import ops

    network.split(layer)

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return ops.sum(network.score(options.score, logits, targets))

        gradients = network.gradient(score)(activations)
        _, height, width, channels = activations.shape
        weights = ops.sum(gradients, axis=(1, 2)) / (height * width)
        signed = ops.einsum("nhwc,nc->nhw", activations, weights)
        if options.reduction == "mean":
            signed = signed / channels
        heatmap = ops.relu(signed) if options.relu else signed
        return {
            "activations": activations,
            "gradients": gradients,
            "weights": weights,
            "signed": signed,
            "heatmap": heatmap,
        }

    return compile(explain)
