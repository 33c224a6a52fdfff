"""HiResCAM (Draelos & Carin 2020, arXiv 2011.08891).

The activations A of a layer, each position and channel weighted by its own gradient:

    G = d s_k / d A        S = sum_c G_c * A_c        heatmap = relu(S)

Nothing is averaged, so for a head of convolutions, dense layers, ReLUs and pooling without biases
the logit is the sum of S. The paper's formula has no ReLU: that is `relu=false`.
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
    title="HiResCAM",
    paper="arXiv 2011.08891",
    at="layer",
    classes="pulled",
    intermediates=("activations", "gradients", "signed", "heatmap"),
    options={"relu": RELU},
    cost=once(),
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the gradient by hand."""

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        gradients = network.pull_back(layer, activations, rest, targets, options.score)
        maps = evidence.reference((gradients * activations).sum(axis=-1), options.relu)
        return {"activations": activations, "gradients": gradients, **maps}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of the head."""
    import jax

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return network.score(options.score, logits, targets).sum()

        gradients = jax.grad(score)(activations)
        maps = evidence.jax((gradients * activations).sum(axis=-1), options.relu)
        return {"activations": activations, "gradients": gradients, **maps}

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
        maps = evidence.pytorch((gradients * activations).sum(dim=1), options.relu)
        return {"activations": activations, "gradients": gradients, **maps}

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
        maps = evidence.keras(ops.sum(gradients * activations, axis=-1), options.relu)
        return {"activations": activations, "gradients": gradients, **maps}

    return compile(explain)
