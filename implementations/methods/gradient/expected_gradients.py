"""Expected gradients (Erion et al. 2019, arXiv 1906.10670): GradientSHAP without noise.

The gradient at a random point between the image x and a baseline of a background, times their
distance, averaged over n of both:

    E = mean_m (x - x0_m) * ds_k/dx (x0_m + a_m (x - x0_m))        heatmap = sum_c E_c, signed

Baselines x0_m and shares a_m are arguments, the same for every image. The background is the first
training images, or uniform noise where there are none. `completeness_gap` (N,) is how far the
heatmap's sum is from s_k(x) - mean_m s_k(x0_m), the sampling's own error.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from implementations.architecture.graph import Architecture
from implementations.arrays import Array, Draws, Images, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods import complete
from implementations.methods.card import Cost, Method, Number


def drawn(options: Options, architecture: Architecture, layer: str, generator: Generator) -> Draws:
    """Baselines (n, H, W, C) in [0, 1), and the share (n,) of the way from each to the image."""
    baselines = generator.random((options.samples, *architecture.input_shape))
    return {"baselines": baselines, "alphas": generator.random(options.samples)}


def resampled(options: Options, background: Images, generator: Generator) -> Draws:
    """The same with baselines out of a background (B, H, W, C), each as often as chance has it."""
    baselines = background[generator.integers(0, len(background), options.samples)]
    return {"baselines": baselines.astype(float), "alphas": generator.random(options.samples)}


METHOD = Method(
    title="Expected gradients",
    paper="arXiv 1906.10670",
    at="input",
    intermediates=("attributions", "signed", "heatmap"),
    per_image=("completeness_gap",),
    options={"samples": Number(64, 1, 10_000, "baselines, and points on the way to them")},
    cost=lambda options, architecture, layer: Cost(2 * options.samples + 1, options.samples),
    draws=drawn,
    resampled=resampled,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one baseline after another, each gradient by hand."""

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        attributions, start = np.zeros_like(images), np.zeros(len(images))
        for baseline, alpha in zip(draws["baselines"], draws["alphas"], strict=True):
            activations, rest = network.features(layer, baseline + alpha * (images - baseline))
            gradients = network.pull_back(layer, activations, rest, targets, options.score)
            attributions += (images - baseline) * gradients / options.samples
            logits = np.repeat(network(baseline[None]), len(images), axis=0)
            start += network.score(options.score, logits, targets) / options.samples
        rise = network.score(options.score, network(images), targets) - start
        return {"attributions": attributions, **complete.reference(attributions, rise)}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` under `jax.vmap` over the baselines of a pass."""
    import jax
    import jax.numpy as jnp

    @compile
    def totals(
        network: Network, images: Array, targets: Array, baselines: Array, alphas: Array
    ) -> tuple[Array, Array]:
        def attribution(baseline: Array, alpha: Array) -> Array:
            between = baseline + alpha * (images - baseline)
            return (images - baseline) * jax.grad(score)(between)

        def score(between: Array) -> Array:
            return network.score(options.score, network(between), targets).sum()

        logits = network(baselines)

        def start(target: Array) -> Array:
            chosen = jnp.full(len(logits), target)
            return network.score(options.score, logits, chosen).sum()

        return jax.vmap(attribution)(baselines, alphas).sum(axis=0), jax.vmap(start)(targets)

    return complete.averaged(options, compile, totals, complete.jax)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of a batch that holds every image on the way to several baselines."""
    import torch

    @compile
    def totals(
        network: Network, images: Array, targets: Array, baselines: Array, alphas: Array
    ) -> tuple[Array, Array]:
        repeated = targets.repeat(len(baselines))
        distances = images - baselines[:, None]
        between = baselines[:, None] + alphas.view(-1, 1, 1, 1, 1) * distances

        def score(between: Array) -> Array:
            return network.score(options.score, network(between), repeated).sum()

        slopes = torch.func.grad(score)(between.flatten(0, 1))
        logits = network(baselines).repeat_interleave(len(images), dim=0)
        starts = network.score(options.score, logits, repeated).view(len(baselines), -1)
        return (distances * slopes.view_as(distances)).sum(dim=0), starts.sum(dim=0)

    return complete.averaged(options, compile, totals, complete.pytorch)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; a batch that holds every image on the way to several baselines."""
    from keras import ops

    network.split(layer)

    @compile
    def totals(
        network: KerasNetwork, images: Array, targets: Array, baselines: Array, alphas: Array
    ) -> tuple[Array, Array]:
        number, *size = images.shape
        repeated = ops.tile(targets, baselines.shape[0])
        distances = images - baselines[:, None]
        between = baselines[:, None] + ops.reshape(alphas, (-1, 1, 1, 1, 1)) * distances

        def score(between: Array) -> Array:
            return ops.sum(network.score(options.score, network(between), repeated))

        slopes = network.gradient(score)(ops.reshape(between, (-1, *size)))
        logits = ops.repeat(network(baselines), number, axis=0)
        starts = ops.reshape(network.score(options.score, logits, repeated), (-1, number))
        slopes = ops.reshape(slopes, (-1, number, *size))
        return ops.sum(distances * slopes, axis=0), ops.sum(starts, axis=0)

    return complete.averaged(options, compile, totals, complete.keras)
