"""XGrad-CAM (Fu et al. 2020, arXiv 2008.02312).

The activations A of a layer, each channel weighted by its gradient's mean where it is active:

    G = d s_k / d A        w_c = (sum_hw G_c A_c) / (sum_hw A_c)        S = sum_c w_c A_c
    heatmap = relu(S)

A channel of sum 0 has the weight 0. So the map sums to what HiResCAM's does, which for a head
without biases is the logit. Where a layer has negative values a channel's sum may come near 0, and
its weight is then as large as that sum is small.
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
from implementations.methods.card import Method, once
from implementations.methods.evidence import RELU

METHOD = Method(
    title="XGrad-CAM",
    paper="arXiv 2008.02312",
    at="layer",
    classes="pulled",
    intermediates=("activations", "gradients", "weights", "signed", "heatmap"),
    options={"relu": RELU},
    cost=once(),
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the gradient by hand; it notes how small a channel's sum is."""
    import numpy as np

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        gradients = network.pull_back(layer, activations, rest, targets, options.score)
        sums = activations.sum(axis=(1, 2))
        moved = (gradients * activations).sum(axis=(1, 2))
        weights = np.divide(moved, sums, out=np.zeros_like(sums), where=sums != 0)
        signed = (activations * weights[:, None, None, :]).sum(axis=-1)

        sizes = np.abs(activations).sum(axis=(1, 2))
        left = np.divide(np.abs(sums), sizes, out=np.full_like(sums, np.inf), where=sizes > 0)
        network.note_margin(left.min(axis=1))
        maps = evidence.reference(signed, options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

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
        sums = activations.sum(axis=(1, 2))
        moved = (gradients * activations).sum(axis=(1, 2))
        weights = moved / jnp.where(sums == 0, jnp.inf, sums)
        maps = evidence.jax(jnp.einsum("nhwc,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

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
        sums = activations.sum(dim=(2, 3))
        moved = (gradients * activations).sum(dim=(2, 3))
        weights = moved / sums.masked_fill(sums == 0, torch.inf)
        maps = evidence.pytorch(torch.einsum("nchw,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

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
        sums = ops.sum(activations, axis=(1, 2))
        moved = ops.sum(gradients * activations, axis=(1, 2))
        weights = moved / ops.where(sums == 0, ops.full_like(sums, float("inf")), sums)
        maps = evidence.keras(ops.einsum("nhwc,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

    return compile(explain)
