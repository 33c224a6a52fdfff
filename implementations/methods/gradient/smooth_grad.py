"""SmoothGrad (Smilkov et al. 2017, arXiv 1706.03825).

The gradient, averaged over n copies of the image with Gaussian noise:

    x_m = x + spread (max x - min x) noise_m        G = mean_m d s_k / d x (x_m)
    heatmap = max_c |G_c|

The range is over all pixels and colours of the image; noisy images are not clipped. The noise is an
argument, the same for every image, so that an image's map does not depend on its neighbours.
"""

from __future__ import annotations

import numpy as np
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
from implementations.methods import colours
from implementations.methods.card import Cost, Method, Number
from implementations.methods.colours import FORM
from implementations.methods.passes import parts


def noise(options: Options, architecture: Architecture, layer: str, generator: Generator) -> Draws:
    """Standard normal noise (n, H, W, C)."""
    shape = (options.samples, *architecture.input_shape)
    return {"noise": generator.standard_normal(shape)}


METHOD = Method(
    title="SmoothGrad",
    paper="arXiv 1706.03825",
    at="input",
    intermediates=("gradients", "signed", "heatmap"),
    options={
        "samples": Number(50, 1, 10_000, "noisy copies of the image"),
        "spread": Number(0.15, 0.0, 10.0, "deviation of the noise, of the image's range"),
        "form": FORM,
    },
    cost=lambda options, architecture, layer: Cost(options.samples, options.samples),
    draws=noise,
    core=True,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one copy after another, each gradient by hand."""

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        extent = np.ptp(images, axis=(1, 2, 3), keepdims=True)
        gradients = np.zeros_like(images)
        for sample in draws["noise"]:
            noisy = images + options.spread * extent * sample
            activations, rest = network.features("input", noisy)
            gradients += network.pull_back("input", activations, rest, targets, options.score)
        gradients /= options.samples
        return {"gradients": gradients, **colours.reference(gradients, options.form)}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` under `jax.vmap` over the copies of a pass."""
    import jax

    @compile
    def total(network: Network, images: Array, targets: Array, noise: Array) -> Array:
        lowest, highest = (
            extreme(axis=(1, 2, 3), keepdims=True) for extreme in (images.min, images.max)
        )

        def score(images: Array) -> Array:
            return network.score(options.score, network(images), targets).sum()

        def gradient(noise: Array) -> Array:
            return jax.grad(score)(images + options.spread * (highest - lowest) * noise)

        return jax.vmap(gradient)(noise).sum(axis=0)

    @compile
    def reduced(network: Network, total: Array) -> Intermediates:
        gradients = total / options.samples
        return {"gradients": gradients, **colours.jax(gradients, options.form)}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        passes = parts(options.samples, network.capacity // len(images))
        gradients = sum(total(network, images, targets, draws["noise"][some]) for some in passes)
        return reduced(network, gradients)  # type: ignore[no-any-return]

    return explain


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of a batch that holds several copies of every image."""
    import torch

    @compile
    def total(network: Network, images: Array, targets: Array, noise: Array) -> Array:
        def score(noisy: Array) -> Array:
            repeated = targets.repeat(len(noise))
            return network.score(options.score, network(noisy), repeated).sum()

        extent = images.amax(dim=(1, 2, 3), keepdim=True) - images.amin(dim=(1, 2, 3), keepdim=True)
        noisy = images + options.spread * extent * noise[:, None]
        return torch.func.grad(score)(noisy.flatten(0, 1)).view_as(noisy).sum(dim=0)

    @compile
    def reduced(network: Network, total: Array) -> Intermediates:
        gradients = total / options.samples
        return {"gradients": gradients, **colours.pytorch(gradients, options.form)}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        passes = parts(options.samples, network.capacity // len(images))
        gradients = sum(total(network, images, targets, draws["noise"][some]) for some in passes)
        return reduced(network, gradients)  # type: ignore[no-any-return]

    return explain


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; the network's gradient of a batch that holds several copies."""
    from keras import ops

    @compile
    def total(network: KerasNetwork, images: Array, targets: Array, noise: Array) -> Array:
        def score(noisy: Array) -> Array:
            repeated = ops.tile(targets, noise.shape[0])
            return ops.sum(network.score(options.score, network(noisy), repeated))

        number, *size = images.shape
        axes = (1, 2, 3)
        lowest, highest = ops.amin(images, axes, True), ops.amax(images, axes, True)
        noisy = images + options.spread * (highest - lowest) * noise[:, None]
        slopes = network.gradient(score)(ops.reshape(noisy, (-1, *size)))
        return ops.sum(ops.reshape(slopes, (-1, number, *size)), axis=0)

    @compile
    def reduced(network: KerasNetwork, total: Array) -> Intermediates:
        gradients = total / options.samples
        return {"gradients": gradients, **colours.keras(gradients, options.form)}

    def explain(
        network: KerasNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        passes = parts(options.samples, network.capacity // images.shape[0])
        gradients = sum(total(network, images, targets, draws["noise"][some]) for some in passes)
        return reduced(network, gradients)  # type: ignore[no-any-return]

    return explain
