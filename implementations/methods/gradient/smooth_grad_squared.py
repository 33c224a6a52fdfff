"""SmoothGrad squared (Hooker et al. 2018, arXiv 1806.10758).

The squared gradient, averaged over n copies of the image with Gaussian noise:

    x_m = x + spread (max x - min x) noise_m        Q = mean_m (d s_k / d x (x_m))^2
    heatmap = max_c Q_c

It is VarGrad's map and the square of SmoothGrad's gradient together, before the largest colour is
taken. The noise is SmoothGrad's.
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
from implementations.methods import noisy
from implementations.methods.card import Method
from implementations.methods.passes import parts

METHOD = Method(
    title="SmoothGrad squared",
    paper="arXiv 1806.10758",
    at="input",
    intermediates=("squares", "heatmap"),
    options=noisy.OPTIONS,
    cost=noisy.cost,
    draws=noisy.noise,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one copy after another."""

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        each = noisy.reference(network, options, images, targets, draws["noise"])
        squares = sum(gradients**2 for gradients in each) / options.samples
        return {"squares": squares, "heatmap": squares.max(axis=-1)}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """The sum of a pass's squares, and of the passes."""

    @compile
    def total(network: Network, images: Array, targets: Array, noise: Array) -> Array:
        gradients = noisy.jax(network, options, images, targets, noise)
        return (gradients**2).sum(axis=0)

    @compile
    def reduced(network: Network, total: Array) -> Intermediates:
        squares = total / options.samples
        return {"squares": squares, "heatmap": squares.max(axis=-1)}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        passes = parts(options.samples, network.capacity // len(images))
        summed = sum(total(network, images, targets, draws["noise"][some]) for some in passes)
        return reduced(network, summed)  # type: ignore[no-any-return]

    return explain


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """The sum of a pass's squares, and of the passes."""

    @compile
    def total(network: Network, images: Array, targets: Array, noise: Array) -> Array:
        gradients = noisy.pytorch(network, options, images, targets, noise)
        return (gradients**2).sum(dim=0)

    @compile
    def reduced(network: Network, total: Array) -> Intermediates:
        squares = total / options.samples
        return {"squares": squares, "heatmap": squares.amax(dim=1)}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        passes = parts(options.samples, network.capacity // len(images))
        summed = sum(total(network, images, targets, draws["noise"][some]) for some in passes)
        return reduced(network, summed)  # type: ignore[no-any-return]

    return explain


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """The sum of a pass's squares, and of the passes."""
    from keras import ops

    @compile
    def total(network: KerasNetwork, images: Array, targets: Array, noise: Array) -> Array:
        gradients = noisy.keras(network, options, images, targets, noise)
        return ops.sum(ops.square(gradients), axis=0)

    @compile
    def reduced(network: KerasNetwork, total: Array) -> Intermediates:
        squares = total / options.samples
        return {"squares": squares, "heatmap": ops.amax(squares, axis=-1)}

    def explain(
        network: KerasNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        passes = parts(options.samples, network.capacity // images.shape[0])
        summed = sum(total(network, images, targets, draws["noise"][some]) for some in passes)
        return reduced(network, summed)  # type: ignore[no-any-return]

    return explain
