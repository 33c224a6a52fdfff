"""SmoothGrad (Smilkov et al. 2017, arXiv 1706.03825).

The gradient, averaged over n copies of the image with Gaussian noise:

    x_m = x + spread (max x - min x) noise_m        G = mean_m d s_k / d x (x_m)
    heatmap = max_c |G_c|

The range is over all pixels and colours of the image; noisy images are not clipped. The noise is an
argument, the same for every image, so that an image's map does not depend on its neighbours.
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
from implementations.methods import colours, noisy
from implementations.methods.card import Method
from implementations.methods.colours import FORM
from implementations.methods.passes import parts

METHOD = Method(
    title="SmoothGrad",
    paper="arXiv 1706.03825",
    at="input",
    intermediates=("gradients", "signed", "heatmap"),
    options={**noisy.OPTIONS, "form": FORM},
    cost=noisy.cost,
    draws=noisy.noise,
    core=True,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one copy after another."""

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        each = noisy.reference(network, options, images, targets, draws["noise"])
        gradients = sum(each) / options.samples
        return {"gradients": gradients, **colours.reference(gradients, options.form)}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """The sum of a pass, and of the passes."""

    @compile
    def total(network: Network, images: Array, targets: Array, noise: Array) -> Array:
        gradients = noisy.jax(network, options, images, targets, noise)
        return gradients.sum(axis=0)

    @compile
    def reduced(network: Network, total: Array) -> Intermediates:
        gradients = total / options.samples
        return {"gradients": gradients, **colours.jax(gradients, options.form)}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        passes = parts(options.samples, network.capacity // len(images))
        summed = sum(total(network, images, targets, draws["noise"][some]) for some in passes)
        return reduced(network, summed)  # type: ignore[no-any-return]

    return explain


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """The sum of a pass, and of the passes."""

    @compile
    def total(network: Network, images: Array, targets: Array, noise: Array) -> Array:
        gradients = noisy.pytorch(network, options, images, targets, noise)
        return gradients.sum(dim=0)

    @compile
    def reduced(network: Network, total: Array) -> Intermediates:
        gradients = total / options.samples
        return {"gradients": gradients, **colours.pytorch(gradients, options.form)}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        passes = parts(options.samples, network.capacity // len(images))
        summed = sum(total(network, images, targets, draws["noise"][some]) for some in passes)
        return reduced(network, summed)  # type: ignore[no-any-return]

    return explain


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """The sum of a pass, and of the passes."""
    from keras import ops

    @compile
    def total(network: KerasNetwork, images: Array, targets: Array, noise: Array) -> Array:
        gradients = noisy.keras(network, options, images, targets, noise)
        return ops.sum(gradients, axis=0)

    @compile
    def reduced(network: KerasNetwork, total: Array) -> Intermediates:
        gradients = total / options.samples
        return {"gradients": gradients, **colours.keras(gradients, options.form)}

    def explain(
        network: KerasNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        passes = parts(options.samples, network.capacity // images.shape[0])
        summed = sum(total(network, images, targets, draws["noise"][some]) for some in passes)
        return reduced(network, summed)  # type: ignore[no-any-return]

    return explain
