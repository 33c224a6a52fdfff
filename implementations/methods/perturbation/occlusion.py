"""Occlusion (Zeiler & Fergus 2014, arXiv 1311.2901).

How much the score falls when a window of the image is filled, each pixel the mean over the windows
W that cover it:

    S[p] = mean over W that cover p of (s_k(x) - s_k(x with W filled))        heatmap = S, signed

Windows stand at 0, stride, 2 stride, ...; where the last one does not reach the edge, one more
stands flush with it, so no pixel is uncovered. Many windows share a pass through the network, as
many as `PIXELS_A_PASS` allows, so that memory has a bound and few passes are traced. The fall is a
difference of two scores: where probabilities saturate, `log_probability` keeps the digits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Array, Stages
from implementations.contract import Explain, KerasNetwork, Network, Options, OracleNetwork
from implementations.errors import BadInput
from implementations.methods import Number

TITLE = "Occlusion"
PAPER = "arXiv 1311.2901"
AT = "input"
OPTIONS = {
    "window": Number(7, 1, 1000, "pixels a side"),
    "stride": Number(3, 1, 1000, "pixels from window to window, at most the window"),
    "fill": Number(0.0, 0.0, 1.0, "grey level in the window"),
}
PIXELS_A_PASS = 1 << 20


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


def evaluations(options: Options, size: tuple[int, int]) -> int:
    """Images that go through the model for each image explained: one a window, and the image."""
    return len(starts(options, size[0])) * len(starts(options, size[1])) + 1


def reference(network: OracleNetwork, layer: str, options: Options) -> Explain:
    """In float64 NumPy, one window after another."""
    height, width, _ = network.architecture.input_shape
    tops, lefts = starts(options, height), starts(options, width)

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Stages:
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

    return explain


def jax(network: Network, layer: str, options: Options) -> Explain:
    """`jax.vmap` over the windows of a pass; unrolled passes, XLA's loops being slow on CPU."""
    import jax
    import jax.numpy as jnp

    windows = masks(options, network.architecture.input_shape[:2])

    def explain(network: Network, images: Array, targets: Array) -> Stages:
        def scores(window: Array) -> Array:
            occluded = jnp.where(window[:, :, None], options.fill, images)
            return network.score(options.score, network(occluded), targets)

        step = max(1, PIXELS_A_PASS // (len(images) * windows[0].size))
        passes = [windows[first : first + step] for first in range(0, len(windows), step)]
        rest = jnp.concatenate([jax.vmap(scores)(jnp.asarray(some)) for some in passes])
        fall = network.score(options.score, network(images), targets) - rest
        covering = jnp.asarray(windows / windows.sum(axis=0), images.dtype)
        signed = jnp.einsum("mn,mhw->nhw", fall, covering)
        return {"signed": signed, "heatmap": signed}

    return explain


def pytorch(network: Network, layer: str, options: Options) -> Explain:
    """A batch that holds several windows of every image."""
    import torch

    windows = torch.from_numpy(masks(options, network.architecture.input_shape[:2]))
    shares = windows / windows.sum(dim=0, dtype=torch.float64)

    def explain(network: Network, images: Array, targets: Array) -> Stages:
        number, _, height, width = images.shape
        step = max(1, PIXELS_A_PASS // (number * height * width))
        rest = []
        for some in windows.to(images.device).split(step):
            occluded = torch.where(some[:, None, None], options.fill, images).flatten(0, 1)
            scores = network.score(options.score, network(occluded), targets.repeat(len(some)))
            rest.append(scores.view(-1, number))
        fall = network.score(options.score, network(images), targets) - torch.cat(rest)
        signed = torch.einsum("mn,mhw->nhw", fall, shares.to(images))
        return {"signed": signed, "heatmap": signed}

    return explain


def keras(network: KerasNetwork, layer: str, options: Options) -> Explain:
    """`keras.ops` throughout: a batch that holds several windows of every image."""
    from keras import ops

    network.split(layer)
    inside = masks(options, network.architecture.input_shape[:2])
    windows = ops.convert_to_tensor(inside)
    shares = ops.convert_to_tensor(inside / inside.sum(axis=0))

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Stages:
        number, height, width, channels = images.shape
        step = max(1, PIXELS_A_PASS // (number * height * width))
        rest = []
        for first in range(0, len(inside), step):
            some = windows[first : first + step][:, None, :, :, None]
            occluded = ops.where(some, ops.full_like(images, options.fill), images)
            occluded = ops.reshape(occluded, (-1, height, width, channels))
            repeated = ops.tile(targets, occluded.shape[0] // number)
            scores = network.score(options.score, network(occluded), repeated)
            rest.append(ops.reshape(scores, (-1, number)))
        fall = network.score(options.score, network(images), targets) - ops.concatenate(rest)
        signed = ops.einsum("mn,mhw->nhw", fall, ops.cast(shares, images.dtype))
        return {"signed": signed, "heatmap": signed}

    return explain
