"""Guided Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391, section 3.2).

The guided gradient at the image, where Grad-CAM at a layer finds evidence:

    heatmap = max_c |R_c| * U(relu(S))        signed = max_c |R_c| * U(S)

R is guided backpropagation's gradient, S the signed Grad-CAM map of the ordinary gradient
(`grad_cam`), U upsampling to the image. U(relu(S)) is not negative, so the heatmap is the largest
magnitude of R U(relu(S)) over the colours.
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
from implementations.methods.card import Cost, Method
from implementations.methods.nonlinear import ruled

METHOD = Method(
    title="Guided Grad-CAM",
    paper="arXiv 1610.02391",
    at="input",
    reads="layer",
    intermediates=("gradients", "grad_cam", "signed", "heatmap"),
    cost=lambda options, architecture, layer: Cost(2, 2),
    applies=ruled,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, both gradients by hand."""
    import numpy as np

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        guided = network.with_relu("guided")
        pixels, rest = guided.features("input", images)
        gradients = guided.pull_back("input", pixels, rest, targets, options.score)
        activations, rest = network.features(layer, images)
        slopes = network.pull_back(layer, activations, rest, targets, options.score)
        weights = slopes.mean(axis=(1, 2))
        cam = (activations * weights[:, None, None, :]).sum(axis=-1)
        largest, size = np.abs(gradients).max(axis=-1), images.shape[1:3]
        return {
            "gradients": gradients,
            "grad_cam": cam,
            "signed": largest * network.resize(cam, size),
            "heatmap": largest * network.resize(np.maximum(cam, 0), size),
        }

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of the network behind guided ReLUs, and of the head behind its own."""
    import jax
    import jax.numpy as jnp

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        guided = network.with_relu("guided")
        activations, rest = network.features(layer, images)

        def guided_score(images: Array) -> Array:
            return network.score(options.score, guided(images), targets).sum()

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return network.score(options.score, logits, targets).sum()

        gradients = jax.grad(guided_score)(images)
        weights = jax.grad(score)(activations).mean(axis=(1, 2))
        cam = jnp.einsum("nhwc,nc->nhw", activations, weights)
        largest, size = jnp.abs(gradients).max(axis=-1), images.shape[1:3]
        return {
            "gradients": gradients,
            "grad_cam": cam,
            "signed": largest * network.resize(cam, size),
            "heatmap": largest * network.resize(jax.nn.relu(cam), size),
        }

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of both; the network behind guided ReLUs is made before tracing."""
    import torch

    guided = network.with_relu("guided")

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def guided_score(images: Array) -> Array:
            return network.score(options.score, guided(images), targets).sum()

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return network.score(options.score, logits, targets).sum()

        gradients = torch.func.grad(guided_score)(images)
        weights = torch.func.grad(score)(activations).mean(dim=(2, 3))
        cam = torch.einsum("nchw,nc->nhw", activations, weights)
        largest, size = gradients.abs().amax(dim=1), images.shape[2:]
        return {
            "gradients": gradients,
            "grad_cam": cam,
            "signed": largest * network.resize(cam, size),
            "heatmap": largest * network.resize(torch.relu(cam), size),
        }

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; both gradients are the network's, whatever the backend."""
    from keras import ops

    network.split(layer)
    guided = network.with_relu("guided")

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def guided_score(images: Array) -> Array:
            return ops.sum(network.score(options.score, guided(images), targets))

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return ops.sum(network.score(options.score, logits, targets))

        gradients = network.gradient(guided_score)(images)
        slopes = network.gradient(score)(activations)
        _, height, width, _ = activations.shape
        weights = ops.sum(slopes, axis=(1, 2)) / (height * width)
        cam = ops.einsum("nhwc,nc->nhw", activations, weights)
        largest, size = ops.amax(ops.abs(gradients), axis=-1), images.shape[1:3]
        return {
            "gradients": gradients,
            "grad_cam": cam,
            "signed": largest * network.resize(cam, size),
            "heatmap": largest * network.resize(ops.relu(cam), size),
        }

    return compile(explain)
