"""Saliency: the gradient of the score with respect to the image (Simonyan et al. 2013).

    G = d s_k / d x        heatmap = max_c |G_c|

`square` has the maximum of G squared instead. `signed` keeps the sign: in each pixel the value of
the colour channel whose magnitude is largest, the first of equals.
"""

from __future__ import annotations

from implementations.arrays import Array, Stages
from implementations.contract import Explain, KerasNetwork, Network, Options, OracleNetwork
from implementations.methods import Choice

TITLE = "Saliency"
PAPER = "arXiv 1312.6034"
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
        activations, rest = network.features(layer, images)
        gradients = network.pull_back(layer, activations, rest, targets, options.score)
        if options.form == "signed":
            largest = np.abs(gradients).argmax(axis=-1)[..., None]
            signed = np.take_along_axis(gradients, largest, axis=-1)[..., 0]
            return {"gradients": gradients, "signed": signed, "heatmap": signed}
        magnitude = np.abs(gradients) if options.form == "abs" else gradients**2
        return {"gradients": gradients, "heatmap": magnitude.max(axis=-1)}

    return explain


def jax(network: Network, layer: str, options: Options) -> Explain:
    """`jax.grad` of the whole network."""
    import jax
    import jax.numpy as jnp

    def explain(network: Network, images: Array, targets: Array) -> Stages:
        def score(images: Array) -> Array:
            return network.score(options.score, network(images), targets).sum()

        gradients = jax.grad(score)(images)
        if options.form == "signed":
            largest = jnp.abs(gradients).argmax(axis=-1, keepdims=True)
            signed = jnp.take_along_axis(gradients, largest, axis=-1)[..., 0]
            return {"gradients": gradients, "signed": signed, "heatmap": signed}
        magnitude = jnp.abs(gradients) if options.form == "abs" else gradients**2
        return {"gradients": gradients, "heatmap": magnitude.max(axis=-1)}

    return explain


def pytorch(network: Network, layer: str, options: Options) -> Explain:
    """`torch.func.grad` of the whole network."""
    import torch

    def explain(network: Network, images: Array, targets: Array) -> Stages:
        def score(images: Array) -> Array:
            return network.score(options.score, network(images), targets).sum()

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

    network.split(layer)

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Stages:
        def score(images: Array) -> Array:
            return ops.sum(network.score(options.score, network(images), targets))

        gradients = network.gradient(score)(images)
        if options.form == "signed":
            largest = ops.expand_dims(ops.argmax(ops.abs(gradients), axis=-1), -1)
            signed = ops.take_along_axis(gradients, largest, axis=-1)[..., 0]
            return {"gradients": gradients, "signed": signed, "heatmap": signed}
        magnitude = ops.abs(gradients) if options.form == "abs" else ops.square(gradients)
        return {"gradients": gradients, "heatmap": ops.amax(magnitude, axis=-1)}

    return explain
