"""Deconvolution (Zeiler & Fergus 2014, arXiv 1311.2901).

The gradient of the score with respect to the image, where every ReLU passes a gradient back where
that gradient is positive, whatever its input was:

    R_in = R_out * (R_out > 0) at a ReLU        heatmap = max_c |R_c| at the image

A ReLU6 passes it where it clips too; max-pooling goes back to the positions of its maxima.
`square` has the maximum of R squared instead. `signed` keeps the sign: in each pixel the value of
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
from implementations.methods.nonlinear import ruled

METHOD = Method(
    title="Deconvolution",
    paper="arXiv 1311.2901",
    at="input",
    intermediates=("gradients", "signed", "heatmap"),
    options={"form": FORM},
    cost=once(),
    applies=ruled,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the gradient by hand."""

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        ruled = network.with_relu("deconvolution")
        activations, rest = ruled.features(layer, images)
        gradients = ruled.pull_back(layer, activations, rest, targets, options.score)
        return {"gradients": gradients, **colours.reference(gradients, options.form)}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of the whole network behind ReLUs of deconvolution."""
    import jax

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        ruled = network.with_relu("deconvolution")

        def score(images: Array) -> Array:
            return network.score(options.score, ruled(images), targets).sum()

        gradients = jax.grad(score)(images)
        return {"gradients": gradients, **colours.jax(gradients, options.form)}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of the whole network behind ReLUs of deconvolution, made before tracing."""
    import torch

    ruled = network.with_relu("deconvolution")

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        def score(images: Array) -> Array:
            return network.score(options.score, ruled(images), targets).sum()

        gradients = torch.func.grad(score)(images)
        return {"gradients": gradients, **colours.pytorch(gradients, options.form)}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; the gradient is the network's, whatever the backend."""
    from keras import ops

    ruled = network.with_relu("deconvolution")
    ruled.split(layer)

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        def score(images: Array) -> Array:
            return ops.sum(network.score(options.score, ruled(images), targets))

        gradients = network.gradient(score)(images)
        return {"gradients": gradients, **colours.keras(gradients, options.form)}

    return compile(explain)
