"""Occlusion (Zeiler & Fergus 2014, arXiv 1311.2901).

How much the score falls when a window of the image is filled, each pixel the mean over the windows
W that cover it:

    S[p] = mean over W that cover p of (s_k(x) - s_k(x with W filled))        heatmap = S, signed

Windows stand at 0, stride, 2 stride, ... and flush with the far edge. Many share a pass through the
network, as many as its capacity allows: memory has a bound, and one pass is compiled. The fall is a
difference of two scores: where probabilities saturate, `log_probability` keeps the digits.
"""

from __future__ import annotations

import numpy as np

from implementations.arrays import Array, Draws, Intermediates
from implementations.contract import Compile, Explain, KerasNetwork, Network, Options, OracleNetwork
from implementations.methods import windows
from implementations.methods.card import Method, Number

METHOD = Method(
    title="Occlusion",
    paper="arXiv 1311.2901",
    at="input",
    classes="scored",
    intermediates=("signed", "heatmap"),
    options={
        **windows.OPTIONS,
        "fill": Number(0.0, 0.0, 1.0, "grey level in the window"),
    },
    cost=windows.cost,
    draws=windows.covering,
    core=True,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one window after another."""
    height, width, _ = network.architecture.input_shape
    tops, lefts = windows.starts(options, height), windows.starts(options, width)

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        whole = network.score(options.score, network(images), targets)
        total, covered = np.zeros(images.shape[:3]), np.zeros((height, width))
        for top in tops:
            for left in lefts:
                window = (slice(top, top + options.window), slice(left, left + options.window))
                occluded = images.copy()
                occluded[:, *window] = options.fill
                rest = network.score(options.score, network(occluded), targets)
                total[:, *window] += (whole - rest)[:, None, None]
                covered[window] += 1
        signed = total / covered
        return {"signed": signed, "heatmap": signed}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.vmap` over the windows of a pass."""
    import jax
    import jax.numpy as jnp

    @compile
    def without(network: Network, images: Array, targets: Array, hidden: Array) -> Array:
        def scores(window: Array) -> Array:
            occluded = jnp.where(window[:, :, None], options.fill, images)
            return network.score(options.score, network(occluded), targets)

        return jax.vmap(scores)(hidden)

    @compile
    def spread(
        network: Network, images: Array, targets: Array, rest: list[Array], shares: Array
    ) -> Intermediates:
        fall = network.score(options.score, network(images), targets) - jnp.concatenate(rest)
        signed = jnp.einsum("mn,mhw->nhw", fall, shares)
        return {"signed": signed, "heatmap": signed}

    return windows.explained(without, spread)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """A batch that holds several windows of every image."""
    import torch

    @compile
    def without(network: Network, images: Array, targets: Array, hidden: Array) -> Array:
        occluded = torch.where(hidden[:, None, None], options.fill, images)
        repeated = targets.repeat(len(hidden))
        scores = network.score(options.score, network(occluded.flatten(0, 1)), repeated)
        return scores.view(len(hidden), -1)

    @compile
    def spread(
        network: Network, images: Array, targets: Array, rest: list[Array], shares: Array
    ) -> Intermediates:
        fall = network.score(options.score, network(images), targets) - torch.cat(rest)
        signed = torch.einsum("mn,mhw->nhw", fall, shares)
        return {"signed": signed, "heatmap": signed}

    return windows.explained(without, spread)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout: a batch that holds several windows of every image."""
    from keras import ops

    network.split(layer)

    @compile
    def without(network: KerasNetwork, images: Array, targets: Array, hidden: Array) -> Array:
        _, height, width, channels = images.shape
        inside = hidden[:, None, :, :, None]
        occluded = ops.where(inside, ops.full_like(images, options.fill), images)
        occluded = ops.reshape(occluded, (-1, height, width, channels))
        repeated = ops.tile(targets, hidden.shape[0])
        scores = network.score(options.score, network(occluded), repeated)
        return ops.reshape(scores, (hidden.shape[0], -1))

    @compile
    def spread(
        network: KerasNetwork, images: Array, targets: Array, rest: list[Array], shares: Array
    ) -> Intermediates:
        fall = network.score(options.score, network(images), targets) - ops.concatenate(rest)
        signed = ops.einsum("mn,mhw->nhw", fall, shares)
        return {"signed": signed, "heatmap": signed}

    return windows.explained(without, spread)
