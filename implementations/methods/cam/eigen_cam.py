"""Eigen-CAM (Muhammad & Yeasin 2020, arXiv 2008.00299).

The activations A of a layer, positions by channels, along the direction in which they are largest:

    v = unit eigenvector of A'A for its largest eigenvalue        S = A v        heatmap = relu(S)

Neither the target nor the head plays a part. The paper speaks of principal components, which would
be centred, and decomposes A as it is: so here, and `centred` subtracts the channels' means first.
`gap` (N,), 1 - (second singular value / first), says how well the direction is determined.
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
    title="Eigen-CAM",
    paper="arXiv 2008.00299",
    at="layer",
    intermediates=("activations", "weights", "signed", "heatmap"),
    per_image=("gap", "condition"),
    options={"centred": CENTRED, "relu": RELU},
    cost=once(backward=0),
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, by singular values."""

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        found = principal.reference(network, activations, options.centred)
        maps = evidence.reference(found["signed"], options.relu)
        return {"activations": activations, **found, **maps}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """Products alone."""

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        found = principal.jax(activations, options.centred)
        maps = evidence.jax(found["signed"], options.relu)
        return {"activations": activations, **found, **maps}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.linalg.eigh`, which `torch.compile` keeps whole."""

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        found = principal.pytorch(activations, options.centred)
        maps = evidence.pytorch(found["signed"], options.relu)
        return {"activations": activations, **found, **maps}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout, products alone."""
    network.split(layer)

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        found = principal.keras(activations, options.centred)
        maps = evidence.keras(found["signed"], options.relu)
        return {"activations": activations, **found, **maps}

    return compile(explain)
