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
from numpy.random import Generator
from numpy.typing import NDArray

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
from implementations.errors import BadInput
from implementations.methods.card import Choice, Cost, Method, Number
from implementations.methods.passes import parts

RULES = ("gauss_legendre", "riemann_trapezoid", "midpoint", "riemann_left", "riemann_right")


def quadrature(options: Options) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points on [0, 1] and their weights, which add up to 1. Raises BadInput."""
    count = options.points
    weights = np.full(count, 1 / count)
    if options.rule == "gauss_legendre":
        points, weights = np.polynomial.legendre.leggauss(count)
        return (points + 1) / 2, weights / 2
    if options.rule == "riemann_trapezoid":
        if count < 2:
            raise BadInput("option points=1 of integrated_gradients: riemann_trapezoid needs two")
        weights = np.full(count, 1 / (count - 1))
        weights[[0, -1]] /= 2
        return np.linspace(0, 1, count), weights
    shift = {"midpoint": 0.5, "riemann_left": 0.0, "riemann_right": 1.0}[options.rule]
    return (np.arange(count) + shift) / count, weights


def line(options: Options, architecture: Architecture, layer: str, generator: Generator) -> Draws:
    """The points and their weights: nothing of them is random."""
    points, weights = quadrature(options)
    return {"points": points, "weights": weights}


METHOD = Method(
    title="Integrated gradients",
    paper="arXiv 1703.01365",
    at="input",
    intermediates=("gradients", "signed", "heatmap"),
    per_image=("completeness_gap",),
    options={
        "points": Number(50, 1, 1000, "on the line from the baseline to the image"),
        "rule": Choice("gauss_legendre", RULES, "of quadrature"),
        "baseline": Number(0.0, 0.0, 1.0, "grey level the line starts from"),
    },
    cost=lambda options, architecture, layer: Cost(options.points + 2, options.points),
    draws=line,
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
        signed = ((images - baseline) * gradients).sum(axis=-1)
        end = network.score(options.score, network(images), targets)
        start = network.score(options.score, network(baseline), targets)
        gap = signed.sum(axis=(1, 2)) - (end - start)
        return {
            "gradients": gradients,
            "completeness_gap": gap,
            "signed": signed,
            "heatmap": signed,
        }

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
    ) -> Array:
        def gradient(point: Array) -> Array:
            between = options.baseline + point * (images - options.baseline)
            return jax.grad(lambda x: scores(network, x, targets).sum())(between)

        return jnp.einsum("p,pnhwc->nhwc", weights, jax.vmap(gradient)(points))

    @compile
    def completed(
        network: Network, images: Array, targets: Array, gradients: Array
    ) -> Intermediates:
        baseline = jnp.full_like(images, options.baseline)
        signed = ((images - baseline) * gradients).sum(axis=-1)
        rise = scores(network, images, targets) - scores(network, baseline, targets)
        return {
            "gradients": gradients,
            "completeness_gap": signed.sum(axis=(1, 2)) - rise,
            "signed": signed,
            "heatmap": signed,
        }

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        points, weights = draws["points"], draws["weights"]
        passes = parts(options.points, network.capacity // len(images))
        gradients = sum(
            integral(network, images, targets, points[some], weights[some]) for some in passes
        )
        return completed(network, images, targets, gradients)  # type: ignore[no-any-return]

    return explain


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of a batch that holds several points of the line."""
    import torch

    def scores(network: Network, images: Array, targets: Array) -> Array:
        repeated = targets.repeat(len(images) // len(targets))
        return network.score(options.score, network(images), repeated)

    @compile
    def integral(
        network: Network, images: Array, targets: Array, points: Array, weights: Array
    ) -> Array:
        baseline = torch.full_like(images, options.baseline)
        between = baseline + points.view(-1, 1, 1, 1, 1) * (images - baseline)
        slopes = torch.func.grad(lambda x: scores(network, x, targets).sum())(between.flatten(0, 1))
        return torch.einsum("p,pnchw->nchw", weights, slopes.view_as(between))

    @compile
    def completed(
        network: Network, images: Array, targets: Array, gradients: Array
    ) -> Intermediates:
        baseline = torch.full_like(images, options.baseline)
        signed = ((images - baseline) * gradients).sum(dim=1)
        rise = scores(network, images, targets) - scores(network, baseline, targets)
        return {
            "gradients": gradients,
            "completeness_gap": signed.sum(dim=(1, 2)) - rise,
            "signed": signed,
            "heatmap": signed,
        }

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        points, weights = draws["points"], draws["weights"]
        passes = parts(options.points, network.capacity // len(images))
        gradients = sum(
            integral(network, images, targets, points[some], weights[some]) for some in passes
        )
        return completed(network, images, targets, gradients)  # type: ignore[no-any-return]

    return explain


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
    ) -> Array:
        number, height, width, channels = images.shape
        baseline = ops.full_like(images, options.baseline)
        between = baseline + ops.reshape(points, (-1, 1, 1, 1, 1)) * (images - baseline)
        between = ops.reshape(between, (-1, height, width, channels))
        slopes = network.gradient(lambda x: ops.sum(scores(network, x, targets)))(between)
        slopes = ops.reshape(slopes, (-1, number, height, width, channels))
        return ops.einsum("p,pnhwc->nhwc", weights, slopes)

    @compile
    def completed(
        network: KerasNetwork, images: Array, targets: Array, gradients: Array
    ) -> Intermediates:
        baseline = ops.full_like(images, options.baseline)
        signed = ops.sum((images - baseline) * gradients, axis=-1)
        rise = scores(network, images, targets) - scores(network, baseline, targets)
        return {
            "gradients": gradients,
            "completeness_gap": ops.sum(signed, axis=(1, 2)) - rise,
            "signed": signed,
            "heatmap": signed,
        }

    def explain(
        network: KerasNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        points, weights = draws["points"], draws["weights"]
        passes = parts(options.points, network.capacity // images.shape[0])
        gradients = sum(
            integral(network, images, targets, points[some], weights[some]) for some in passes
        )
        return completed(network, images, targets, gradients)  # type: ignore[no-any-return]

    return explain
