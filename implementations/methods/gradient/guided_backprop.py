"""Guided backpropagation (Springenberg et al. 2015, arXiv 1412.6806).

The gradient of the score with respect to the image, where every ReLU passes a gradient back only
where that gradient and the ReLU's input are positive:

    R_in = R_out * (R_out > 0) * (input > 0) at a ReLU        heatmap = max_c |R_c| at the image

`square` has the maximum of R squared instead. `signed` keeps the sign: in each pixel the value of
the colour channel whose magnitude is largest, the first of equals.
"""

from __future__ import annotations

from implementations.arrays import Array, Stages
from implementations.contract import Explain, KerasNetwork, Network, Options, OracleNetwork
from implementations.methods import Choice

TITLE = "Guided backpropagation"
PAPER = "arXiv 1412.6806"
AT = "input"
OPTIONS = {
    "form": Choice("abs", ("abs", "square", "signed"), "what is kept of the gradient"),
}


def evaluations(options: Options, size: tuple[int, int]) -> int:
    """Images that go through the model for each image explained."""
    return 1


def reference(network: OracleNetwork, layer: str, options: Options) -> Explain:
    """In float64 NumPy, the gradient by hand."""
    import numpy as np

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Stages:
        guided = network.with_relu("guided")
        activations, rest = guided.features(layer, images)
        gradients = guided.pull_back(layer, activations, rest, targets, options.score)
        if options.form == "signed":
            largest = np.abs(gradients).argmax(axis=-1)[..., None]
            signed = np.take_along_axis(gradients, largest, axis=-1)[..., 0]
            return {"gradients": gradients, "signed": signed, "heatmap": signed}
        magnitude = np.abs(gradients) if options.form == "abs" else gradients**2
        return {"gradients": gradients, "heatmap": magnitude.max(axis=-1)}

    return explain


def jax(network: Network, layer: str, options: Options) -> Explain:
    """`jax.grad` of the whole network behind guided ReLUs."""
    import jax
    import jax.numpy as jnp

    def explain(network: Network, images: Array, targets: Array) -> Stages:
        guided = network.with_relu("guided")

        def score(images: Array) -> Array:
            return network.score(options.score, guided(images), targets).sum()

        gradients = jax.grad(score)(images)
        if options.form == "signed":
            largest = jnp.abs(gradients).argmax(axis=-1, keepdims=True)
            signed = jnp.take_along_axis(gradients, largest, axis=-1)[..., 0]
            return {"gradients": gradients, "signed": signed, "heatmap": signed}
        magnitude = jnp.abs(gradients) if options.form == "abs" else gradients**2
        return {"gradients": gradients, "heatmap": magnitude.max(axis=-1)}

    return explain


def pytorch(network: Network, layer: str, options: Options) -> Explain:
    """`torch.func.grad` of the whole network behind guided ReLUs, made before tracing."""
    import torch

    guided = network.with_relu("guided")

    def explain(network: Network, images: Array, targets: Array) -> Stages:
        def score(images: Array) -> Array:
            return network.score(options.score, guided(images), targets).sum()

        gradients = torch.func.grad(score)(images)
        if options.form == "signed":
            largest = gradients.abs().argmax(dim=1, keepdim=True)
            signed = gradients.gather(1, largest)[:, 0]
            return {"gradients": gradients, "signed": signed, "heatmap": signed}
        magnitude = gradients.abs() if options.form == "abs" else gradients**2
        return {"gradients": gradients, "heatmap": magnitude.amax(dim=1)}

    return explain


def keras(network: KerasNetwork, layer: str, options: Options) -> Explain:
    """`keras.ops` throughout; the gradient is the network's, whatever the backend."""
    from keras import ops

    guided = network.with_relu("guided")
    guided.split(layer)

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Stages:
        def score(images: Array) -> Array:
            return ops.sum(network.score(options.score, guided(images), targets))

        gradients = network.gradient(score)(images)
        if options.form == "signed":
            largest = ops.expand_dims(ops.argmax(ops.abs(gradients), axis=-1), -1)
            signed = ops.take_along_axis(gradients, largest, axis=-1)[..., 0]
            return {"gradients": gradients, "signed": signed, "heatmap": signed}
        magnitude = ops.abs(gradients) if options.form == "abs" else ops.square(gradients)
        return {"gradients": gradients, "heatmap": ops.amax(magnitude, axis=-1)}

    return explain
