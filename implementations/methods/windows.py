"""Windows that stand over an image: where they start, and what share each has in a pixel.

They stand at 0, stride, 2 stride, ...; where the last one does not reach the edge, one more stands
flush with it, so no pixel is uncovered.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture
from implementations.arrays import Array, Draws, Intermediates
from implementations.contract import Explain, Network, Options
from implementations.errors import BadInput
from implementations.methods.card import Cost, Number
from implementations.methods.passes import blocks

OPTIONS = {
    "window": Number(7, 1, 1000, "pixels a side"),
    "stride": Number(3, 1, 1000, "pixels from window to window, at most the window"),
}
Scored = Callable[[Network, Array, Array, Array], Array]
"""(network, images, targets, some windows) -> the scores (m, N) without what is in each."""
Spread = Callable[[Network, Array, Array, list[Array], Array], Intermediates]
"""(network, images, targets, all scores in blocks, shares) -> every intermediate."""


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
    """The `windows`, and of every pixel what `shares` each has in it: nothing is random."""
    windows = masks(options, architecture.input_shape[:2])
    return {"windows": windows, "shares": windows / windows.sum(axis=0)}


def explained(without: Scored, spread: Spread) -> Explain:
    """The explainer that scores images without each window, many windows in a pass."""

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        windows, rest = draws["windows"], []
        for some, known in blocks(windows.shape[0], network.capacity // images.shape[0]):
            rest.append(without(network, images, targets, windows[some])[known:])
        return spread(network, images, targets, rest, draws["shares"])

    return explain
