"""Gradients at noisy copies of an image: what SmoothGrad and its relatives are made of.

    x_m = x + spread (max x - min x) noise_m        g_m = d s_k / d x (x_m)

The range is over all pixels and colours of the image; noisy images are not clipped. The noise is an
argument, the same for every image, so that an image's map does not depend on its neighbours. Each
framework's function gives the gradients (n, N, ...) of some of the noise (n, ...) in one pass.
"""

from __future__ import annotations

from collections.abc import Iterator

from numpy.random import Generator

from implementations.architecture.graph import Architecture
from implementations.arrays import Array, Draws
from implementations.contract import KerasNetwork, Network, Options, OracleNetwork
from implementations.methods.card import Cost, Number

OPTIONS = {
    "samples": Number(50, 1, 10_000, "noisy copies of the image"),
    "spread": Number(0.15, 0.0, 10.0, "deviation of the noise, of the image's range"),
}


def noise(options: Options, architecture: Architecture, layer: str, generator: Generator) -> Draws:
    """Standard normal noise (n, H, W, C)."""
    shape = (options.samples, *architecture.input_shape)
    return {"noise": generator.standard_normal(shape)}


def cost(options: Options, architecture: Architecture, layer: str) -> Cost:
    """A pass and a pull-back for each copy."""
    return Cost(options.samples, options.samples)


def reference(
    network: OracleNetwork, options: Options, images: Array, targets: Array, noise: Array
) -> Iterator[Array]:
    """In float64 NumPy, one copy (N, H, W, C) after another, each gradient by hand."""
    import numpy as np

    extent = np.ptp(images, axis=(1, 2, 3), keepdims=True)
    for sample in noise:
        noisy = images + options.spread * extent * sample
        activations, rest = network.features("input", noisy)
        yield network.pull_back("input", activations, rest, targets, options.score)


def jax(network: Network, options: Options, images: Array, targets: Array, noise: Array) -> Array:
    """`jax.grad` under `jax.vmap` over the copies."""
    import jax

    axes = (1, 2, 3)
    lowest, highest = images.min(axis=axes, keepdims=True), images.max(axis=axes, keepdims=True)

    def score(images: Array) -> Array:
        return network.score(options.score, network(images), targets).sum()

    def gradient(noise: Array) -> Array:
        return jax.grad(score)(images + options.spread * (highest - lowest) * noise)

    return jax.vmap(gradient)(noise)


def pytorch(
    network: Network, options: Options, images: Array, targets: Array, noise: Array
) -> Array:
    """`torch.func.grad` of a batch that holds several copies of every image."""
    import torch

    def score(noisy: Array) -> Array:
        repeated = targets.repeat(len(noise))
        return network.score(options.score, network(noisy), repeated).sum()

    extent = images.amax(dim=(1, 2, 3), keepdim=True) - images.amin(dim=(1, 2, 3), keepdim=True)
    noisy = images + options.spread * extent * noise[:, None]
    return torch.func.grad(score)(noisy.flatten(0, 1)).view_as(noisy)


def keras(
    network: KerasNetwork, options: Options, images: Array, targets: Array, noise: Array
) -> Array:
    """`keras.ops` throughout; the network's gradient of a batch that holds several copies."""
    from keras import ops

    def score(noisy: Array) -> Array:
        repeated = ops.tile(targets, noise.shape[0])
        return ops.sum(network.score(options.score, network(noisy), repeated))

    number, *size = images.shape
    axes = (1, 2, 3)
    lowest, highest = ops.amin(images, axes, True), ops.amax(images, axes, True)
    noisy = images + options.spread * (highest - lowest) * noise[:, None]
    slopes = network.gradient(score)(ops.reshape(noisy, (-1, *size)))
    return ops.reshape(slopes, (-1, number, *size))
