"""Random channel weights: a control, of no paper.

    w_c uniform in [-1, 1)        S = sum_c w_c A_c        heatmap = relu(S)

Whatever a class activation map shows that this one shows too is the layer's, not the explanation's:
the target, the score and all that comes after the layer play no part. The weights are an argument,
the same for every image.
"""

from __future__ import annotations

from numpy.random import Generator

from implementations.architecture.graph import Architecture
from implementations.arrays import Array, Draws, Intermediates
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


def weights(
    options: Options, architecture: Architecture, layer: str, generator: Generator
) -> Draws:
    """A weight (c,) for each channel of the layer."""
    return {"weights": generator.uniform(-1, 1, architecture.shapes[layer][-1])}


METHOD = Method(
    title="Random weights",
    paper="a control: NumPy's PCG64",
    at="layer",
    intermediates=("activations", "signed", "heatmap"),
    options={"relu": RELU},
    cost=once(backward=0),
    draws=weights,
    core=True,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy."""

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        activations, _ = network.features(layer, images)
        signed = (activations * draws["weights"]).sum(axis=-1)
        return {"activations": activations, **evidence.reference(signed, options.relu)}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """One product of a matrix and a vector."""

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        activations, _ = network.features(layer, images)
        signed = activations @ draws["weights"]
        return {"activations": activations, **evidence.jax(signed, options.relu)}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """One `einsum`."""
    import torch

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        activations, _ = network.features(layer, images)
        signed = torch.einsum("nchw,c->nhw", activations, draws["weights"])
        return {"activations": activations, **evidence.pytorch(signed, options.relu)}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """One `einsum`, of `keras.ops`."""
    from keras import ops

    network.split(layer)

    def explain(
        network: KerasNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        activations, _ = network.features(layer, images)
        signed = ops.einsum("nhwc,c->nhw", activations, draws["weights"])
        return {"activations": activations, **evidence.keras(signed, options.relu)}

    return compile(explain)
