"""The mean of every window, each channel its own.

Over the cells of the map alone, or, with
`count_padding`, over the padding asked for too. Cells that ceil rounding adds never count.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import FLAG, POOL
from implementations.architecture.window import Window, cropped, padded, symmetric, taps, window
from implementations.arrays import Array, Floats, Tensors

SETTINGS = {**POOL, "count_padding": FLAG.otherwise(False)}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """A position a window."""
    if len(inputs[0]) != 3:
        raise ValueError("it needs (height, width, channels)")
    return (*window(node, inputs[0]).size, inputs[0][-1])


def _counts(node: Node, place: Window, shape: tuple[int, ...]) -> Floats:
    """Cells that each average is over, (1, h, w, 1). What ceil mode adds never counts."""
    inside = np.pad(np.ones((1, *shape[1:3], 1)), ((0, 0), *place.pads, (0, 0)))
    if node["count_padding"]:
        given = place.pads if node["padding"] == "same" else node["padding"]
        (_, bottom), (_, right) = ((0, 0), (0, 0)) if given == "valid" else given
        (top, _), (left, _) = place.pads
        inside[:, : top + shape[1] + bottom, : left + shape[2] + right] = 1.0
    counts = np.zeros((1, *place.size, 1))
    for _, _, tap in taps(place):
        counts += inside[tap]
    return counts


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """The sum over the cells that count."""
    place = window(node, inputs[0].shape[1:])
    images = padded(inputs[0], place, 0.0)
    total = np.zeros((len(images), *place.size, images.shape[-1]))
    for _, _, tap in taps(place):
        total += images[tap]
    return total / _counts(node, place, inputs[0].shape)


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """An equal share to every cell of the window."""
    place = window(node, inputs[0].shape[1:])
    spread = np.zeros_like(padded(inputs[0], place, 0.0))
    share = gradient / _counts(node, place, inputs[0].shape)
    for _, _, tap in taps(place):
        spread[tap] += share
    return [cropped(spread, place, inputs[0])]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function."""
    import jax.numpy as jnp
    from flax import nnx

    place = window(node, read)
    pads: tuple[tuple[int, int], ...] = place.pads
    given: tuple[tuple[int, int], ...] = ((0, 0), (0, 0))
    if node["count_padding"] and node["padding"] != "valid":
        # Zeros of the image's own from here on; the cells that ceil rounding adds never count.
        given = place.pads if node["padding"] == "same" else node["padding"]
        pads = tuple((0, end - counted) for (_, end), (_, counted) in zip(pads, given, strict=True))

    def pooled(x: Array) -> Array:
        x = jnp.pad(x, ((0, 0), *given, (0, 0))) if np.any(given) else x
        average = nnx.avg_pool(
            x,
            window_shape=place.kernel,
            strides=place.stride,
            padding=pads,
            count_include_pad=False,
        )
        return average.astype(x.dtype)

    return pooled


def pytorch(node: Node, read: Shape) -> Any:
    """The module; where its own padding cannot serve, over whole windows and then corrected."""
    import torch
    from torch import nn

    place, counted = window(node, read), node["count_padding"]
    (top, bottom), (left, right) = place.pads
    for ceil in (False,) if counted else (False, True):
        if symmetric(node, place, read, ceil):
            pads = (top, left)
            return nn.AvgPool2d(place.kernel, place.stride, pads, ceil, count_include_pad=counted)

    class Share(nn.Module):  # type: ignore[misc]
        """Corrects an average over whole windows to one over the cells that count."""

        def __init__(self) -> None:
            super().__init__()
            cells = np.multiply.outer(*(_cells_along(node, place, read, axis) for axis in (0, 1)))
            factor = math.prod(place.kernel) / cells
            self.register_buffer("factor", torch.from_numpy(factor), persistent=False)

        def forward(self, averages: Array) -> Array:
            """Multiply by window size over number of cells."""
            return averages * self.factor

    pad = nn.ZeroPad2d((left, right, top, bottom))
    return nn.Sequential(pad, nn.AvgPool2d(place.kernel, place.stride), Share())


def _cells_along(node: Node, place: Window, read: Shape, axis: int) -> NDArray[np.int_]:
    """How many cells each window counts along an axis: never those that ceil mode adds."""
    before, after = (0, 0)
    if node["count_padding"] and node["padding"] != "valid":
        before, after = (place.pads if node["padding"] == "same" else node["padding"])[axis]
    start = np.arange(place.size[axis]) * place.stride[axis] - place.pads[axis][0]
    stop = np.minimum(start + place.kernel[axis], read[axis] + after)
    return stop - np.maximum(start, -before)


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The layer, behind an operation that pads and before one that corrects for it."""
    from keras import layers, ops

    place = window(node, read)
    width, cells = ((0, 0), *place.pads, (0, 0)), _cells(node, read, place)
    pool = layers.AveragePooling2D(
        place.kernel,
        place.stride,
        "valid",
        data_format="channels_last",
        dtype=dtype,
        name=node.name,
    )
    share = None
    if (cells != np.prod(place.kernel)).any():
        share = ops.convert_to_tensor(np.prod(place.kernel) / cells, dtype)

    def pooled(inputs: Any) -> Any:
        means = pool(ops.pad(inputs, width) if np.any(width) else inputs)
        return means if share is None else ops.multiply(means, share)

    return pooled


def _cells(node: Node, shape: Shape, place: Window) -> Floats:
    """Cells that each average is over, (1, h, w, 1): what ceil rounding adds never counts."""
    counted = np.zeros((shape[0] + sum(place.pads[0]), shape[1] + sum(place.pads[1])))
    (top, _), (left, _) = place.pads
    counted[top : top + shape[0], left : left + shape[1]] = 1
    if node["count_padding"] and node["padding"] != "valid":
        given = place.pads if node["padding"] == "same" else node["padding"]
        counted[: top + shape[0] + given[0][1], : left + shape[1] + given[1][1]] = 1
    views = np.lib.stride_tricks.sliding_window_view(counted, place.kernel)
    down, right = place.stride
    cells: Floats = views[::down, ::right].sum(axis=(2, 3))
    return cells[: place.size[0], : place.size[1]][None, :, :, None]
