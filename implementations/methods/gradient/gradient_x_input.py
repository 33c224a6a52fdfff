"""Gradient times input (Shrikumar et al. 2016, arXiv 1605.01713).

    G = d s_k / d x        S = sum_c x_c G_c        heatmap = S, signed

For a network without biases, which is homogeneous of degree 1, the logit is the sum of S, and S is
what integrated gradients give from a black image.
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
from implementations.methods.card import Method, once

METHOD = Method(
    title="Gradient times input",
    paper="arXiv 1605.01713",
    at="input",
    intermediates=("gradients", "signed", "heatmap"),
    cost=once(),
    core=True,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the gradient by hand."""

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        gradients = network.pull_back(layer, activations, rest, targets, options.score)
        signed = (images * gradients).sum(axis=-1)
        return {"gradients": gradients, "signed": signed, "heatmap": signed}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of the whole network."""
    import jax

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        def score(images: Array) -> Array:
            return network.score(options.score, network(images), targets).sum()

        gradients = jax.grad(score)(images)
        signed = (images * gradients).sum(axis=-1)
        return {"gradients": gradients, "signed": signed, "heatmap": signed}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of the whole network."""
    import torch

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        def score(images: Array) -> Array:
            return network.score(options.score, network(images), targets).sum()

        gradients = torch.func.grad(score)(images)
        signed = (images * gradients).sum(dim=1)
        return {"gradients": gradients, "signed": signed, "heatmap": signed}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; the gradient is the network's, whatever the backend."""
    from keras import ops

    network.split(layer)

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        def score(images: Array) -> Array:
            return ops.sum(network.score(options.score, network(images), targets))

        gradients = network.gradient(score)(images)
        signed = ops.sum(images * gradients, axis=-1)
        return {"gradients": gradients, "signed": signed, "heatmap": signed}

    return compile(explain)
