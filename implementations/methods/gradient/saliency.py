"""Saliency: the gradient of the score with respect to the image (Simonyan et al. 2013).

    G = d s_k / d x        heatmap = max_c |G_c|

`square` has the maximum of G squared instead. `signed` keeps the sign: in each pixel the value of
the colour channel whose magnitude is largest, the first of equals.
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
from implementations.methods import colours
from implementations.methods.card import Method, once
from implementations.methods.colours import FORM

METHOD = Method(
    title="Saliency",
    paper="arXiv 1312.6034",
    at="input",
    intermediates=("gradients", "signed", "heatmap"),
    options={"form": FORM},
    cost=once(),
    core=True,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the gradient by hand."""

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        gradients = network.pull_back(layer, activations, rest, targets, options.score)
        return {"gradients": gradients, **colours.reference(gradients, options.form)}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of the whole network."""
    import jax

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        def score(images: Array) -> Array:
            return network.score(options.score, network(images), targets).sum()

        gradients = jax.grad(score)(images)
        return {"gradients": gradients, **colours.jax(gradients, options.form)}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of the whole network."""
    import torch

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        def score(images: Array) -> Array:
            return network.score(options.score, network(images), targets).sum()

        gradients = torch.func.grad(score)(images)
        return {"gradients": gradients, **colours.pytorch(gradients, options.form)}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; the gradient is the network's, whatever the backend."""
    from keras import ops

    network.split(layer)

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        def score(images: Array) -> Array:
            return ops.sum(network.score(options.score, network(images), targets))

        gradients = network.gradient(score)(images)
        return {"gradients": gradients, **colours.keras(gradients, options.form)}

    return compile(explain)
