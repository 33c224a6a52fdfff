"""VarGrad (Adebayo et al. 2018, arXiv 1810.03307).

The variance of the gradient over n copies of the image with Gaussian noise:

    x_m = x + spread (max x - min x) noise_m        g_m = d s_k / d x (x_m)
    V = mean_m (g_m - mean_m g_m)^2                 heatmap = max_c V_c

Deviations are squared, never a square taken from a square, which cancels. Passes are pooled by
their means and variances: nothing is computed twice, and no more than a pass is held. The noise is
SmoothGrad's.
"""

from __future__ import annotations

from collections.abc import Iterable

from implementations.arrays import Array, Draws, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods import noisy
from implementations.methods.card import Method
from implementations.methods.passes import parts

METHOD = Method(
    title="VarGrad",
    paper="arXiv 1810.03307",
    at="input",
    intermediates=("variances", "heatmap"),
    options=noisy.OPTIONS,
    cost=noisy.cost,
    draws=noisy.noise,
)


def pooled(parts: Iterable[tuple[Array, Array]]) -> Array:
    """The variance of all parts, of one size each, from the mean and variance of every one."""
    mean, variance = 0.0, 0.0
    for count, (its_mean, its_variance) in enumerate(parts, 1):
        gap, share = its_mean - mean, (count - 1) / count
        mean = mean + gap / count
        variance = share * variance + (its_variance + share * gap**2) / count
    return variance


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy: all gradients, their mean, then the deviations from it."""
    import numpy as np

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        each = np.array([*noisy.reference(network, options, images, targets, draws["noise"])])
        each -= each[0]  # where all gradients are equal the variance is exactly 0
        variances = ((each - each.mean(axis=0)) ** 2).mean(axis=0)
        return {"variances": variances, "heatmap": variances.max(axis=-1)}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """Mean and variance of a pass, and of the passes."""

    @compile
    def moments(
        network: Network, images: Array, targets: Array, noise: Array
    ) -> tuple[Array, Array]:
        gradients = noisy.jax(network, options, images, targets, noise)
        return gradients.mean(axis=0), gradients.var(axis=0)

    @compile
    def reduced(network: Network, variances: Array) -> Intermediates:
        return {"variances": variances, "heatmap": variances.max(axis=-1)}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        passes = parts(options.samples, network.capacity // len(images))
        each = (moments(network, images, targets, draws["noise"][some]) for some in passes)
        return reduced(network, pooled(each))  # type: ignore[no-any-return]

    return explain


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """Mean and variance of a pass, and of the passes."""

    @compile
    def moments(
        network: Network, images: Array, targets: Array, noise: Array
    ) -> tuple[Array, Array]:
        gradients = noisy.pytorch(network, options, images, targets, noise)
        return gradients.mean(dim=0), gradients.var(dim=0, correction=0)

    @compile
    def reduced(network: Network, variances: Array) -> Intermediates:
        return {"variances": variances, "heatmap": variances.amax(dim=1)}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        passes = parts(options.samples, network.capacity // len(images))
        each = (moments(network, images, targets, draws["noise"][some]) for some in passes)
        return reduced(network, pooled(each))  # type: ignore[no-any-return]

    return explain


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """The same; sums divided, as its means are in float32 on some backends."""
    from keras import ops

    @compile
    def moments(
        network: KerasNetwork, images: Array, targets: Array, noise: Array
    ) -> tuple[Array, Array]:
        gradients = noisy.keras(network, options, images, targets, noise)
        count = noise.shape[0]
        mean = ops.sum(gradients, axis=0) / count
        return mean, ops.sum(ops.square(gradients - mean), axis=0) / count

    @compile
    def reduced(network: KerasNetwork, variances: Array) -> Intermediates:
        return {"variances": variances, "heatmap": ops.amax(variances, axis=-1)}

    def explain(
        network: KerasNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        passes = parts(options.samples, network.capacity // images.shape[0])
        each = (moments(network, images, targets, draws["noise"][some]) for some in passes)
        return reduced(network, pooled(each))  # type: ignore[no-any-return]

    return explain
