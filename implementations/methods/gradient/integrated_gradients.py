"""Integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365).

The gradient averaged on the straight line from a baseline x0 to the image x, times their distance:

    G = sum_p w_p ds_k/dx (x0 + a_p (x - x0))        heatmap = sum_c (x - x0)_c G_c, signed

Points a_p and weights w_p are a quadrature rule on [0, 1]. `completeness_gap` (N,) is how far the
heatmap's sum is from s_k(x) - s_k(x0): the rule's own error. Many points share a pass through the
network, as many as its capacity allows, and are its arguments: memory has a bound, and another rule
compiles nothing.
"""

from __future__ import annotations

import numpy as np

from implementations.arrays import Array, Draws, Intermediates
from implementations.contract import Compile, Explain, KerasNetwork, Network, Options, OracleNetwork
from implementations.methods import complete, quadrature
from implementations.methods.adding import added
from implementations.methods.card import Cost, Method, Number

METHOD = Method(
    title="Integrated gradients",
    paper="arXiv 1703.01365",
    at="input",
    intermediates=("gradients", "signed", "heatmap"),
    per_image=("completeness_gap",),
    options={
        **quadrature.OPTIONS,
        "baseline": Number(0.0, 0.0, 1.0, "grey level the line starts from"),
    },
    cost=lambda options, architecture, layer: Cost(options.points + 2, options.points),
    draws=quadrature.line,
    core=True,
    sums_to=lambda options, images: options.baseline,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one point after another, each gradient by hand."""

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        baseline = np.full_like(images, options.baseline)
        gradients = np.zeros_like(images)
        for point, weight in zip(draws["points"], draws["weights"], strict=True):
            activations, rest = network.features(layer, baseline + point * (images - baseline))
            gradients += weight * network.pull_back(
                layer, activations, rest, targets, options.score
            )
        end = network.score(options.score, network(images), targets)
        start = network.score(options.score, network(baseline), targets)
        maps = complete.reference((images - baseline) * gradients, end - start)
        return {"gradients": gradients, **maps}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` under `jax.vmap` over the points of a pass."""
    import jax
    import jax.numpy as jnp

    def scores(network: Network, images: Array, targets: Array) -> Array:
        return network.score(options.score, network(images), targets)

    @compile
    def integral(
        network: Network, images: Array, targets: Array, points: Array, weights: Array
    ) -> tuple[Array]:
        def gradient(point: Array) -> Array:
            between = options.baseline + point * (images - options.baseline)
            return jax.grad(lambda x: scores(network, x, targets).sum())(between)

        return (jnp.einsum("p,pnhwc->nhwc", weights, jax.vmap(gradient)(points)),)

    @compile
    def completed(
        network: Network, images: Array, targets: Array, gradients: Array
    ) -> Intermediates:
        baseline = jnp.full_like(images, options.baseline)
        rise = scores(network, images, targets) - scores(network, baseline, targets)
        return {"gradients": gradients, **complete.jax((images - baseline) * gradients, rise)}

    return added(options.points, ("points", "weights"), integral, completed)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of a batch that holds several points of the line."""
    import torch

    def scores(network: Network, images: Array, targets: Array) -> Array:
        repeated = targets.repeat(len(images) // len(targets))
        return network.score(options.score, network(images), repeated)

    @compile
    def integral(
        network: Network, images: Array, targets: Array, points: Array, weights: Array
    ) -> tuple[Array]:
        baseline = torch.full_like(images, options.baseline)
        between = baseline + points.view(-1, 1, 1, 1, 1) * (images - baseline)
        slopes = torch.func.grad(lambda x: scores(network, x, targets).sum())(between.flatten(0, 1))
        return (torch.einsum("p,pnchw->nchw", weights, slopes.view_as(between)),)

    @compile
    def completed(
        network: Network, images: Array, targets: Array, gradients: Array
    ) -> Intermediates:
        baseline = torch.full_like(images, options.baseline)
        rise = scores(network, images, targets) - scores(network, baseline, targets)
        return {"gradients": gradients, **complete.pytorch((images - baseline) * gradients, rise)}

    return added(options.points, ("points", "weights"), integral, completed)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; the network's gradient of a batch that holds several points."""
    from keras import ops

    network.split(layer)

    def scores(network: Network, images: Array, targets: Array) -> Array:
        repeated = ops.tile(targets, images.shape[0] // targets.shape[0])
        return network.score(options.score, network(images), repeated)

    @compile
    def integral(
        network: KerasNetwork, images: Array, targets: Array, points: Array, weights: Array
    ) -> tuple[Array]:
        number, height, width, channels = images.shape
        baseline = ops.full_like(images, options.baseline)
        between = baseline + ops.reshape(points, (-1, 1, 1, 1, 1)) * (images - baseline)
        between = ops.reshape(between, (-1, height, width, channels))
        slopes = network.gradient(lambda x: ops.sum(scores(network, x, targets)))(between)
        slopes = ops.reshape(slopes, (-1, number, height, width, channels))
        return (ops.einsum("p,pnhwc->nhwc", weights, slopes),)

    @compile
    def completed(
        network: KerasNetwork, images: Array, targets: Array, gradients: Array
    ) -> Intermediates:
        baseline = ops.full_like(images, options.baseline)
        rise = scores(network, images, targets) - scores(network, baseline, targets)
        return {"gradients": gradients, **complete.keras((images - baseline) * gradients, rise)}

    return added(options.points, ("points", "weights"), integral, completed)
