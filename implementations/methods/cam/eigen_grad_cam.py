"""Eigen-Grad-CAM (Gildenblat 2021, in pytorch-grad-cam; no paper).

Eigen-CAM of the activations A times the gradients of the class score s_k:

    X = A * d s_k / d A        v = unit eigenvector of X'X for its largest eigenvalue
    S = X v        heatmap = relu(S)

sum_c v_c > 0, which is that S points as sum_c X_c does, HiResCAM's map. `centred` subtracts the
channels' means from X first. `gap` (N,), 1 - (second singular value / first), says how well the
direction is determined.
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
from implementations.methods import evidence, principal
from implementations.methods.card import Method, once
from implementations.methods.evidence import RELU
from implementations.methods.principal import CENTRED

METHOD = Method(
    title="Eigen-Grad-CAM",
    paper="no paper; pytorch-grad-cam 1.3 (2021)",
    at="layer",
    classes="pulled",
    intermediates=("activations", "gradients", "weights", "signed", "heatmap"),
    per_image=("gap", "condition"),
    options={"centred": CENTRED, "relu": RELU},
    cost=once(),
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the gradient by hand."""

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        gradients = network.pull_back(layer, activations, rest, targets, options.score)
        found = principal.reference(network, gradients * activations, options.centred)
        maps = evidence.reference(found["signed"], options.relu)
        return {"activations": activations, "gradients": gradients, **found, **maps}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of the head, then products alone."""
    import jax

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return network.score(options.score, logits, targets).sum()

        gradients = jax.grad(score)(activations)
        found = principal.jax(gradients * activations, options.centred)
        maps = evidence.jax(found["signed"], options.relu)
        return {"activations": activations, "gradients": gradients, **found, **maps}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of the head and `torch.linalg.eigh`, both traced whole."""
    import torch

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return network.score(options.score, logits, targets).sum()

        gradients = torch.func.grad(score)(activations)
        found = principal.pytorch(gradients * activations, options.centred)
        maps = evidence.pytorch(found["signed"], options.relu)
        return {"activations": activations, "gradients": gradients, **found, **maps}

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
        found = principal.keras(gradients * activations, options.centred)
        maps = evidence.keras(found["signed"], options.relu)
        return {"activations": activations, "gradients": gradients, **found, **maps}

    return compile(explain)
