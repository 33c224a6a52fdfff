"""Occlusion (Zeiler & Fergus 2014, arXiv 1311.2901).

How much the score falls when a window of the image is filled, each pixel the mean over the windows
W that cover it:

    S[p] = mean over W that cover p of (s_k(x) - s_k(x with W filled))        heatmap = S, signed

Windows stand at 0, stride, 2 stride, ...; where the last one does not reach the edge, one more
stands flush with it, so no pixel is uncovered. Many windows share a pass through the network, as
many as its capacity allows, so that memory has a bound and one pass is compiled. The fall is a
difference of two scores: where probabilities saturate, `log_probability` keeps the digits.
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
from implementations.methods.card import Cost, Method, Number
from implementations.methods.passes import blocks


def starts(options: Options, extent: int) -> list[int]:
    """Where windows start on an axis of this many pixels. Raises BadInput."""
    if options.window > extent:
        raise BadInput(
            f"option window={options.window} of occlusion: the image has {extent} pixels"
        )
    if options.stride > options.window:
        raise BadInput(
            f"option stride={options.stride} of occlusion leaves pixels uncovered; "
            f"make it at most the window, {options.window}"
        )
    places = list(range(0, extent - options.window + 1, options.stride))
    flush = extent - options.window
    return places if places[-1] == flush else [*places, flush]


def masks(options: Options, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(M, H, W), true in the window: every window there is, row by row. Raises BadInput."""
    corners = [(top, left) for top in starts(options, size[0]) for left in starts(options, size[1])]
    windows = np.zeros((len(corners), *size), np.bool_)
    for window, (top, left) in zip(windows, corners, strict=True):
        window[top : top + options.window, left : left + options.window] = True
    return windows


def cost(options: Options, architecture: Architecture, layer: str) -> Cost:
    """One image a window, and the image."""
    height, width, _ = architecture.input_shape
    return Cost(len(starts(options, height)) * len(starts(options, width)) + 1)


def covering(
    options: Options, architecture: Architecture, layer: str, generator: Generator
) -> Draws:
    """The windows, and of every pixel what share each window has in it: nothing is random."""
    windows = masks(options, architecture.input_shape[:2])
    return {"windows": windows, "shares": windows / windows.sum(axis=0)}


METHOD = Method(
    title="Occlusion",
    paper="arXiv 1311.2901",
    at="input",
    classes="scored",
    intermediates=("signed", "heatmap"),
    options={
        "window": Number(7, 1, 1000, "pixels a side"),
        "stride": Number(3, 1, 1000, "pixels from window to window, at most the window"),
        "fill": Number(0.0, 0.0, 1.0, "grey level in the window"),
    },
    cost=cost,
    draws=covering,
    core=True,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one window after another."""
    height, width, _ = network.architecture.input_shape
    tops, lefts = starts(options, height), starts(options, width)

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
    def without(network: Network, images: Array, targets: Array, windows: Array) -> Array:
        def scores(window: Array) -> Array:
            occluded = jnp.where(window[:, :, None], options.fill, images)
            return network.score(options.score, network(occluded), targets)

        return jax.vmap(scores)(windows)

    @compile
    def spread(
        network: Network, images: Array, targets: Array, rest: list[Array], shares: Array
    ) -> Intermediates:
        fall = network.score(options.score, network(images), targets) - jnp.concatenate(rest)
        signed = jnp.einsum("mn,mhw->nhw", fall, shares)
        return {"signed": signed, "heatmap": signed}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        windows, rest = draws["windows"], []
        for some, known in blocks(len(windows), network.capacity // len(images)):
            rest.append(without(network, images, targets, windows[some])[known:])
        return spread(network, images, targets, rest, draws["shares"])  # type: ignore[no-any-return]

    return explain


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """A batch that holds several windows of every image."""
    import torch

    @compile
    def without(network: Network, images: Array, targets: Array, windows: Array) -> Array:
        occluded = torch.where(windows[:, None, None], options.fill, images)
        repeated = targets.repeat(len(windows))
        scores = network.score(options.score, network(occluded.flatten(0, 1)), repeated)
        return scores.view(len(windows), -1)

    @compile
    def spread(
        network: Network, images: Array, targets: Array, rest: list[Array], shares: Array
    ) -> Intermediates:
        fall = network.score(options.score, network(images), targets) - torch.cat(rest)
        signed = torch.einsum("mn,mhw->nhw", fall, shares)
        return {"signed": signed, "heatmap": signed}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        windows, rest = draws["windows"], []
        for some, known in blocks(len(windows), network.capacity // len(images)):
            rest.append(without(network, images, targets, windows[some])[known:])
        return spread(network, images, targets, rest, draws["shares"])  # type: ignore[no-any-return]

    return explain


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout: a batch that holds several windows of every image."""
    from keras import ops

    network.split(layer)

    @compile
    def without(network: KerasNetwork, images: Array, targets: Array, windows: Array) -> Array:
        _, height, width, channels = images.shape
        inside = windows[:, None, :, :, None]
        occluded = ops.where(inside, ops.full_like(images, options.fill), images)
        occluded = ops.reshape(occluded, (-1, height, width, channels))
        repeated = ops.tile(targets, windows.shape[0])
        scores = network.score(options.score, network(occluded), repeated)
        return ops.reshape(scores, (windows.shape[0], -1))

    @compile
    def spread(
        network: KerasNetwork, images: Array, targets: Array, rest: list[Array], shares: Array
    ) -> Intermediates:
        fall = network.score(options.score, network(images), targets) - ops.concatenate(rest)
        signed = ops.einsum("mn,mhw->nhw", fall, shares)
        return {"signed": signed, "heatmap": signed}

    def explain(
        network: KerasNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        windows, rest = draws["windows"], []
        for some, known in blocks(windows.shape[0], network.capacity // images.shape[0]):
            rest.append(without(network, images, targets, windows[some])[known:])
        return spread(network, images, targets, rest, draws["shares"])  # type: ignore[no-any-return]

    return explain
