"""Smooth Grad-CAM++ (Omeiza et al. 2019, arXiv 1908.01224).

Grad-CAM++ whose powers of the gradient are means over n copies of the image x with Gaussian noise:

    x_m = x + spread (max x - min x) noise_m        G_m = d s_k / d A at x_m
    M1, M2, M3 = mean_m G_m, G_m^2, G_m^3           T_c = sum_hw A_c, of x itself
    w_c = sum_hw relu(M1_c) M2_c / (2 M2_c + T_c M3_c)
    S = sum_c w_c A_c        heatmap = relu(S)

Where the divisor is 0 so is the quotient; it may be near that, as M3 has either sign, and then the
map magnifies every rounding by the oracle's `condition` (N,). G is divided by its largest magnitude
before it is cubed, so that nothing underflows. Noisy images are not clipped; the
noise is an argument, as SmoothGrad's. `spread=0` is Grad-CAM++.
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
from implementations.methods import evidence
from implementations.methods.card import Cost, Method, Number
from implementations.methods.evidence import RELU
from implementations.methods.noisy import noise
from implementations.methods.passes import parts

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
        peak = np.abs(slopes).max(axis=(0, 2, 3, 4))[:, None, None, None]
        scaled = np.array(slopes) / np.where(peak > 0, peak, 1)
        first, second, third = (np.mean(scaled**power, axis=0) for power in (1, 2, 3))
        sums = activations.sum(axis=(1, 2), keepdims=True)
        divisors = 2 * second + sums * peak * third
        shares = np.divide(second, divisors, out=np.zeros_like(second), where=divisors != 0)
        weights = (peak * np.maximum(first, 0) * shares).sum(axis=(1, 2))
        signed = (activations * weights[:, None, None, :]).sum(axis=-1)

        sizes = 2 * second + sums * peak * np.mean(np.abs(scaled) ** 3, axis=0)
        magnified = np.divide(
            sizes, np.abs(divisors), out=np.zeros_like(sizes), where=divisors != 0
        )
        spread = np.mean(np.abs(scaled), axis=0) + np.maximum(first, 0) * magnified
        carried = (peak * np.abs(shares) * spread).sum(axis=(1, 2))
        largest = np.einsum("nhwc,nc->nhw", np.abs(activations), carried).max(axis=(1, 2))
        peaks = np.abs(signed).max(axis=(1, 2))
        condition = np.divide(largest, peaks, out=np.zeros_like(peaks), where=peaks > 0)
        maps = evidence.reference(signed, options.relu)
        return {"activations": activations, "weights": weights, "condition": condition, **maps}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of the head under `jax.vmap` over the copies of a pass."""
    import jax
    import jax.numpy as jnp

    powers = jnp.arange(1, 4)[:, None, None, None, None]

    @compile
    def moments(
        network: Network, images: Array, targets: Array, noise: Array
    ) -> tuple[Array, Array]:
        axes = (1, 2, 3)
        extent = images.max(axes, keepdims=True) - images.min(axes, keepdims=True)

        def gradient(noise: Array) -> Array:
            noisy, rest = network.features(layer, images + options.spread * extent * noise)

            def score(activations: Array) -> Array:
                logits = network.head(layer, activations, rest)
                return network.score(options.score, logits, targets).sum()

            return jax.grad(score)(noisy)

        gradients = jax.vmap(gradient)(noise)
        peak = jnp.abs(gradients).max(axis=(0, 2, 3, 4))[:, None, None, None]
        scaled = gradients / jnp.where(peak > 0, peak, 1)
        return peak, jnp.stack([(scaled**power).sum(axis=0) for power in (1, 2, 3)])

    @compile
    def weighted(
        network: Network, images: Array, found: list[tuple[Array, Array]]
    ) -> Intermediates:
        activations, _ = network.features(layer, images)
        peak = jnp.stack([largest for largest, _ in found]).max(axis=0)
        unit = jnp.where(peak > 0, peak, 1)
        total = sum(sums * (largest / unit) ** powers for largest, sums in found)
        first, second, third = total / options.samples
        divisors = 2 * second + activations.sum(axis=(1, 2), keepdims=True) * peak * third
        shares = second / jnp.where(divisors == 0, jnp.inf, divisors)
        weights = (peak * jax.nn.relu(first) * shares).sum(axis=(1, 2))
        maps = evidence.jax(jnp.einsum("nhwc,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "weights": weights, **maps}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        passes = parts(options.samples, network.capacity // len(images))
        found = [moments(network, images, targets, draws["noise"][some]) for some in passes]
        return weighted(network, images, found)  # type: ignore[no-any-return]

    return explain


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of the head of a batch that holds several copies of every image."""
    import torch

    @compile
    def moments(
        network: Network, images: Array, targets: Array, noise: Array
    ) -> tuple[Array, Array]:
        axes = (1, 2, 3)
        extent = images.amax(dim=axes, keepdim=True) - images.amin(dim=axes, keepdim=True)
        noisy = (images + options.spread * extent * noise[:, None]).flatten(0, 1)
        activations, rest = network.features(layer, noisy)

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return network.score(options.score, logits, targets.repeat(len(noise))).sum()

        gradients = torch.func.grad(score)(activations).unflatten(0, (len(noise), -1))
        peak = gradients.abs().amax(dim=(0, 2, 3, 4))[:, None, None, None]
        scaled = gradients / torch.where(peak > 0, peak, 1)
        return peak, torch.stack([(scaled**power).sum(dim=0) for power in (1, 2, 3)])

    @compile
    def weighted(
        network: Network, images: Array, found: list[tuple[Array, Array]]
    ) -> Intermediates:
        activations, _ = network.features(layer, images)
        peak = torch.stack([largest for largest, _ in found]).amax(dim=0)
        unit = torch.where(peak > 0, peak, 1)
        total = [
            sum(sums[power - 1] * (largest / unit) ** power for largest, sums in found)
            for power in (1, 2, 3)
        ]
        first, second, third = (each / options.samples for each in total)
        divisors = 2 * second + activations.sum(dim=(2, 3), keepdim=True) * peak * third
        shares = second / divisors.masked_fill(divisors == 0, torch.inf)
        weights = (peak * first.relu() * shares).sum(dim=(2, 3))
        maps = evidence.pytorch(torch.einsum("nchw,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "weights": weights, **maps}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        passes = parts(options.samples, network.capacity // len(images))
        found = [moments(network, images, targets, draws["noise"][some]) for some in passes]
        return weighted(network, images, found)  # type: ignore[no-any-return]

    return explain


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; the network's gradient of a batch that holds several copies."""
    from keras import ops

    network.split(layer)

    @compile
    def moments(
        network: KerasNetwork, images: Array, targets: Array, noise: Array
    ) -> tuple[Array, Array]:
        axes = (1, 2, 3)
        extent = ops.amax(images, axes, True) - ops.amin(images, axes, True)
        noisy = images + options.spread * extent * noise[:, None]
        activations, rest = network.features(layer, ops.reshape(noisy, (-1, *images.shape[1:])))

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            repeated = ops.tile(targets, noise.shape[0])
            return ops.sum(network.score(options.score, logits, repeated))

        gradients = network.gradient(score)(activations)
        gradients = ops.reshape(gradients, (noise.shape[0], -1, *activations.shape[1:]))
        peak = ops.amax(ops.abs(gradients), (0, 2, 3, 4))[:, None, None, None]
        scaled = gradients / ops.where(peak > 0, peak, ops.ones_like(peak))
        return peak, ops.stack([ops.sum(scaled**power, axis=0) for power in (1, 2, 3)])

    @compile
    def weighted(
        network: KerasNetwork, images: Array, found: list[tuple[Array, Array]]
    ) -> Intermediates:
        activations, _ = network.features(layer, images)
        peak = ops.amax(ops.stack([largest for largest, _ in found]), 0)
        unit = ops.where(peak > 0, peak, ops.ones_like(peak))
        total = [
            sum(sums[power - 1] * (largest / unit) ** power for largest, sums in found)
            for power in (1, 2, 3)
        ]
        first, second, third = (each / options.samples for each in total)
        divisors = 2 * second + ops.sum(activations, axis=(1, 2), keepdims=True) * peak * third
        divisors = ops.where(divisors == 0, ops.full_like(divisors, float("inf")), divisors)
        weights = ops.sum(peak * ops.relu(first) * second / divisors, axis=(1, 2))
        maps = evidence.keras(ops.einsum("nhwc,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "weights": weights, **maps}

    def explain(
        network: KerasNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        passes = parts(options.samples, network.capacity // images.shape[0])
        found = [moments(network, images, targets, draws["noise"][some]) for some in passes]
        return weighted(network, images, found)  # type: ignore[no-any-return]

    return explain
