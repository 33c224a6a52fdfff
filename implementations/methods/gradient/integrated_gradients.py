"""Integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365).

The gradient averaged on the straight line from a baseline x0 to the image x, times their distance:

    G = sum_p w_p ds_k/dx (x0 + a_p (x - x0))        heatmap = sum_c (x - x0)_c G_c, signed

Points a_p and weights w_p are a quadrature rule on [0, 1]. `completeness_gap` (N,) is how far the
heatmap's sum is from s_k(x) - s_k(x0): the rule's own error. Many points share a pass through the
network, as many as `PIXELS_A_PASS` allows, so that memory has a bound and few passes are traced.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Array, Stages
from implementations.contract import Explain, KerasNetwork, Network, Options, OracleNetwork
from implementations.errors import BadInput
from implementations.methods import Choice, Number

TITLE = "Integrated gradients"
PAPER = "arXiv 1703.01365"
AT = "input"
RULES = ("gauss_legendre", "riemann_trapezoid", "midpoint", "riemann_left", "riemann_right")
OPTIONS = {
    "points": Number(50, 1, 1000, "on the line from the baseline to the image"),
    "rule": Choice("gauss_legendre", RULES, "of quadrature"),
    "baseline": Number(0.0, 0.0, 1.0, "grey level the line starts from"),
}
PIXELS_A_PASS = 1 << 19


def evaluations(options: Options, size: tuple[int, int]) -> int:
    """Images that go through the model for each image explained: the points and both ends."""
    return int(options.points) + 2


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


def probed(images: Array, options: Options) -> Iterator[Array]:
    """The images whose gradients are taken: a kink at any of them can move the heatmap."""
    points, _ = quadrature(options)
    for point in points:
        yield options.baseline + point * (images - options.baseline)


def reference(network: OracleNetwork, layer: str, options: Options) -> Explain:
    """In float64 NumPy, one point after another, each gradient by hand."""
    points, weights = quadrature(options)

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Stages:
        baseline = np.full_like(images, options.baseline)
        gradients = np.zeros_like(images)
        for point, weight in zip(points, weights, strict=True):
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

    return explain


def jax(network: Network, layer: str, options: Options) -> Explain:
    """`jax.vmap` over the points of a pass; unrolled passes, XLA's loops being slow on CPU."""
    import jax
    import jax.numpy as jnp

    points, weights = quadrature(options)

    def explain(network: Network, images: Array, targets: Array) -> Stages:
        def scores(images: Array) -> Array:
            return network.score(options.score, network(images), targets)

        def gradient(point: Array) -> Array:
            return jax.grad(lambda x: scores(x).sum())(baseline + point * (images - baseline))

        baseline = jnp.full_like(images, options.baseline)
        number, height, width, _ = images.shape
        step = max(1, PIXELS_A_PASS // (number * height * width))
        gradients = jnp.zeros_like(images)
        for first in range(0, len(points), step):
            some = jnp.asarray(points[first : first + step], images.dtype)
            share = jnp.asarray(weights[first : first + step], images.dtype)
            gradients += jnp.einsum("p,pnhwc->nhwc", share, jax.vmap(gradient)(some))
        signed = ((images - baseline) * gradients).sum(axis=-1)
        gap = signed.sum(axis=(1, 2)) - (scores(images) - scores(baseline))
        return {
            "gradients": gradients,
            "completeness_gap": gap,
            "signed": signed,
            "heatmap": signed,
        }

    return explain


def pytorch(network: Network, layer: str, options: Options) -> Explain:
    """`torch.func.grad` of a batch that holds several points of the line."""
    import torch

    points, weights = (values.tolist() for values in quadrature(options))

    def explain(network: Network, images: Array, targets: Array) -> Stages:
        def scores(images: Array) -> Array:
            repeated = targets.repeat(len(images) // len(targets))
            return network.score(options.score, network(images), repeated)

        baseline = torch.full_like(images, options.baseline)
        number, _, height, width = images.shape
        step = max(1, PIXELS_A_PASS // (number * height * width))
        gradients = torch.zeros_like(images)
        for first in range(0, len(points), step):
            some = images.new_tensor(points[first : first + step]).view(-1, 1, 1, 1, 1)
            share = images.new_tensor(weights[first : first + step])
            line = (baseline + some * (images - baseline)).flatten(0, 1)
            slopes = torch.func.grad(lambda x: scores(x).sum())(line)
            slopes = slopes.unflatten(0, (-1, number))
            gradients = gradients + torch.einsum("p,pnchw->nchw", share, slopes)
        signed = ((images - baseline) * gradients).sum(dim=1)
        gap = signed.sum(dim=(1, 2)) - (scores(images) - scores(baseline))
        return {
            "gradients": gradients,
            "completeness_gap": gap,
            "signed": signed,
            "heatmap": signed,
        }

    return explain


def keras(network: KerasNetwork, layer: str, options: Options) -> Explain:
    """`keras.ops` throughout; the network's gradient of a batch that holds several points."""
    from keras import ops

    network.split(layer)
    points, weights = (ops.convert_to_tensor(values) for values in quadrature(options))

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Stages:
        def scores(images: Array) -> Array:
            repeated = ops.tile(targets, images.shape[0] // targets.shape[0])
            return network.score(options.score, network(images), repeated)

        baseline = ops.full_like(images, options.baseline)
        number, height, width, channels = images.shape
        step = max(1, PIXELS_A_PASS // (number * height * width))
        gradients = ops.zeros_like(images)
        for first in range(0, options.points, step):
            some = ops.cast(points[first : first + step], images.dtype)
            share = ops.cast(weights[first : first + step], images.dtype)
            line = baseline + ops.reshape(some, (-1, 1, 1, 1, 1)) * (images - baseline)
            line = ops.reshape(line, (-1, height, width, channels))
            slopes = network.gradient(lambda x: ops.sum(scores(x)))(line)
            slopes = ops.reshape(slopes, (-1, number, height, width, channels))
            gradients = gradients + ops.einsum("p,pnhwc->nhwc", share, slopes)
        signed = ops.sum((images - baseline) * gradients, axis=-1)
        gap = ops.sum(signed, axis=(1, 2)) - (scores(images) - scores(baseline))
        return {
            "gradients": gradients,
            "completeness_gap": gap,
            "signed": signed,
            "heatmap": signed,
        }

    return explain
