"""LayerCAM (Jiang et al. 2021, IEEE Transactions on Image Processing 30).

The activations A of a layer, each position and channel weighted by its own gradient where that
speaks for the class:

    G = d s_k / d A        S = sum_c relu(G_c) * A_c        heatmap = relu(S)

`positive=product` keeps what speaks for the class after the product, sum_c relu(G_c * A_c): the
same wherever A is not negative, and behind any layer that only a ReLU reads. The paper's tanh is
for fusing layers.
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
from implementations.methods.card import Choice, Method, once
from implementations.methods.evidence import RELU

METHOD = Method(
    title="LayerCAM",
    paper="10.1109/TIP.2021.3089943",
    at="layer",
    classes="pulled",
    intermediates=("activations", "gradients", "signed", "heatmap"),
    options={
        "positive": Choice("gradient", ("gradient", "product"), "which has its negative part cut"),
        "relu": RELU,
    },
    cost=once(),
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the gradient by hand."""
    import numpy as np

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        gradients = network.pull_back(layer, activations, rest, targets, options.score)
        if options.positive == "gradient":
            each = np.maximum(gradients, 0) * activations
        else:
            each = np.maximum(gradients * activations, 0)
        maps = evidence.reference(each.sum(axis=-1), options.relu)
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
        if options.positive == "gradient":
            each = jax.nn.relu(gradients) * activations
        else:
            each = jax.nn.relu(gradients * activations)
        maps = evidence.jax(each.sum(axis=-1), options.relu)
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
        if options.positive == "gradient":
            each = gradients.relu() * activations
        else:
            each = (gradients * activations).relu()
        maps = evidence.pytorch(each.sum(dim=1), options.relu)
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
        if options.positive == "gradient":
            each = ops.relu(gradients) * activations
        else:
            each = ops.relu(gradients * activations)
        maps = evidence.keras(ops.sum(each, axis=-1), options.relu)
        return {"activations": activations, "gradients": gradients, **maps}

    return compile(explain)
