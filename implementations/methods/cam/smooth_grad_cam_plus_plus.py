"""Smooth Grad-CAM++ (Omeiza et al. 2019, arXiv 1908.01224).

Grad-CAM++ whose powers of the gradient are means over n copies of the image x with Gaussian noise:

    x_m = x + spread (max x - min x) noise_m        G_m = d s_k / d A at x_m
    M1, M2, M3 = mean_m G_m, G_m^2, G_m^3           T_c = sum_hw A_c, of x itself
    w_c = sum_hw relu(M1_c) M2_c / (2 M2_c + T_c M3_c)
    S = sum_c w_c A_c        heatmap = relu(S)

Where the divisor is 0 so is the quotient; it may be near that, as M3 has either sign, and then the
map magnifies every rounding by the oracle's `condition` (N,). G is divided by its largest magnitude
before it is cubed, so that nothing underflows. The noise is SmoothGrad's. `spread=0` is Grad-CAM++.
"""

from __future__ import annotations

from implementations.arrays import Array, Draws, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods import evidence, moments
from implementations.methods.card import Cost, Method, Number
from implementations.methods.evidence import RELU
from implementations.methods.moments import Sums, explained
from implementations.methods.noisy import noise

METHOD = Method(
    title="Smooth Grad-CAM++",
    paper="arXiv 1908.01224",
    at="layer",
    intermediates=("activations", "weights", "signed", "heatmap"),
    per_image=("condition",),
    options={
        "samples": Number(25, 1, 10_000, "noisy copies of the image"),
        "spread": Number(0.15, 0.0, 10.0, "deviation of the noise, of the image's range"),
        "relu": RELU,
    },
    cost=lambda options, architecture, layer: Cost(options.samples + 1, options.samples),
    draws=noise,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one copy after another; it says how much the map magnifies rounding."""
    import numpy as np

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        extent = np.ptp(images, axis=(1, 2, 3), keepdims=True)
        slopes = []
        for sample in draws["noise"]:
            noisy, rest = network.features(layer, images + options.spread * extent * sample)
            slopes.append(network.pull_back(layer, noisy, rest, targets, options.score))
        activations, _ = network.features(layer, images)
        weights, carried = moments.reference(np.array(slopes), activations)
        signed = (activations * weights[:, None, None, :]).sum(axis=-1)
        condition = moments.condition(activations, carried, signed)
        maps = evidence.reference(signed, options.relu)
        return {"activations": activations, "weights": weights, "condition": condition, **maps}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of the head under `jax.vmap` over the copies of a pass."""
    import jax
    import jax.numpy as jnp

    @compile
    def passed(network: Network, images: Array, targets: Array, noise: Array) -> Sums:
        extent = jnp.ptp(images, axis=(1, 2, 3), keepdims=True)

        def gradient(noise: Array) -> Array:
            noisy, rest = network.features(layer, images + options.spread * extent * noise)

            def score(activations: Array) -> Array:
                logits = network.head(layer, activations, rest)
                return network.score(options.score, logits, targets).sum()

            return jax.grad(score)(noisy)

        return moments.jax(jax.vmap(gradient)(noise))

    def weighted(activations: Array, found: list[Sums]) -> Intermediates:
        weights = moments.jax_weights(found, activations, options.samples)
        maps = evidence.jax(jnp.einsum("nhwc,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return explained(layer, options, compile, passed, weighted)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of the head of a batch that holds several copies of every image."""
    import torch

    @compile
    def passed(network: Network, images: Array, targets: Array, noise: Array) -> Sums:
        axes = (1, 2, 3)
        extent = images.amax(dim=axes, keepdim=True) - images.amin(dim=axes, keepdim=True)
        noisy = (images + options.spread * extent * noise[:, None]).flatten(0, 1)
        activations, rest = network.features(layer, noisy)

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return network.score(options.score, logits, targets.repeat(len(noise))).sum()

        gradients = torch.func.grad(score)(activations)
        return moments.pytorch(gradients.unflatten(0, (len(noise), -1)))

    def weighted(activations: Array, found: list[Sums]) -> Intermediates:
        weights = moments.pytorch_weights(found, activations, options.samples)
        maps = evidence.pytorch(torch.einsum("nchw,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return explained(layer, options, compile, passed, weighted)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; the network's gradient of a batch that holds several copies."""
    from keras import ops

    network.split(layer)

    @compile
    def passed(network: KerasNetwork, images: Array, targets: Array, noise: Array) -> Sums:
        axes = (1, 2, 3)
        extent = ops.amax(images, axes, True) - ops.amin(images, axes, True)
        noisy = images + options.spread * extent * noise[:, None]
        activations, rest = network.features(layer, ops.reshape(noisy, (-1, *images.shape[1:])))

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            repeated = ops.tile(targets, noise.shape[0])
            return ops.sum(network.score(options.score, logits, repeated))

        gradients = network.gradient(score)(activations)
        return moments.keras(ops.reshape(gradients, (noise.shape[0], -1, *activations.shape[1:])))

    def weighted(activations: Array, found: list[Sums]) -> Intermediates:
        weights = moments.keras_weights(found, activations, options.samples)
        maps = evidence.keras(ops.einsum("nhwc,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return explained(layer, options, compile, passed, weighted)
