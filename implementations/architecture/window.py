"""Sliding windows: where they lie, and in NumPy the slices of an image that they meet."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from implementations.architecture.node import Node, Pads, Shape
from implementations.architecture.settings import WIDEST_PADDING
from implementations.arrays import Floats

Tap = tuple[slice, slice, slice]
LAID_OUT = 2**19
"""Numbers of windows that are laid out at a time: 4 MB, which a cache holds."""


class Window(NamedTuple):
    """A sliding window over (H, W), its padding made explicit: no `same`, no ceil mode is left."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: Pads
    size: tuple[int, int]


def window(node: Node, shape: Shape) -> Window:
    """The window of a convolution (`kernel`) or pooling (`size`) node over an input (H, W, C).

    `same` pads as TensorFlow defines it: the output is ceil(n / stride), and the odd cell of
    padding goes to the bottom and the right. Ceil rounding adds cells to the bottom and the right,
    and no window starts in them. Raises ValueError where no window fits, or where one of a pool
    covers nothing but padding: it has no largest value, and no average.
    """
    pools = "size" in node.settings
    kernel, stride = node["size" if pools else "kernel"], node["stride"]
    dilation = node.settings.get("dilation", (1, 1))
    ceil = node.settings.get("rounding") == "ceil"
    pads, size = [], []
    for axis in (0, 1):
        n, s = shape[axis], stride[axis]
        extent = (kernel[axis] - 1) * dilation[axis] + 1
        if node["padding"] == "same":
            out = -(-n // s)
            total = max((out - 1) * s + extent - n, 0)
            before, after = total // 2, total - total // 2
        else:
            before, after = (0, 0) if node["padding"] == "valid" else node["padding"][axis]
            span = n + before + after - extent
            if span < 0:
                raise ValueError(f"a window of {extent} does not fit {n} + {before} + {after}")
            out = (-(-span // s) if ceil else span // s) + 1
            if ceil and (out - 1) * s >= n + before:
                out -= 1
            after = max(after, (out - 1) * s + extent - n - before)
        if pools and (before >= extent or (out - 1) * s - before >= n):
            raise ValueError("a window covers nothing but padding; make the padding smaller")
        pads.append((before, after))
        size.append(out)
    return Window(kernel, stride, dilation, (pads[0], pads[1]), (size[0], size[1]))


def check_padding(node: Node, shape: Shape) -> None:
    """Raise ValueError where the windows would need more padding than can be held."""
    for before, after in window(node, shape).pads:
        if max(before, after) > WIDEST_PADDING:
            raise ValueError(
                f"its windows would need {before} + {after} of padding; make them smaller"
            )


def symmetric(node: Node, place: Window, shape: Shape, ceil: bool = False) -> bool:
    """Whether padding by as much after as before gives just these windows, rounded up or down.

    Windows start at minus the padding before, and beyond the end there is only padding: so they
    are the same ones if there are as many. A pool takes no more padding than half its window.
    """
    for axis in (0, 1):
        n, before, stride = shape[axis], place.pads[axis][0], place.stride[axis]
        span = n + 2 * before - (place.kernel[axis] - 1) * place.dilation[axis] - 1
        out = (math.ceil(span / stride) if ceil else span // stride) + 1
        if ceil and (out - 1) * stride >= n + before:
            out -= 1
        if span < 0 or out != place.size[axis]:
            return False
        if "size" in node.settings and 2 * before > place.kernel[axis]:
            return False
    return True


def taps(place: Window) -> Iterator[tuple[int, int, Tap]]:
    """Offsets (i, j) in a window, row-major, each with the slice of the padded input it meets.

    At each offset the slice (N, h, w, C) holds what all positions of the window meet there.
    """
    (height, width), (down, right) = place.size, place.stride
    for i in range(place.kernel[0]):
        for j in range(place.kernel[1]):
            top, left = i * place.dilation[0], j * place.dilation[1]
            rows = slice(top, top + (height - 1) * down + 1, down)
            yield i, j, (slice(None), rows, slice(left, left + (width - 1) * right + 1, right))


def windows(images: Floats, place: Window) -> Floats:
    """A view (N, h, w, kernel height, kernel width, C) of padded images: what each window meets."""
    extent = [(k - 1) * d + 1 for k, d in zip(place.kernel, place.dilation, strict=True)]
    (height, width), (down, right), (tall, wide) = place.size, place.stride, place.dilation
    seen = np.lib.stride_tricks.sliding_window_view(images, extent, axis=(1, 2))
    kept = seen[:, ::down, ::right, :, ::tall, ::wide][:, :height, :width]
    view: Floats = np.moveaxis(kept, 3, -1)
    return view


def strips(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Parts of windows of this shape, small enough to be laid out: images, and rows of positions.

    Several whole images where they are small, rows of one image where it is large.
    """
    row = math.prod(shape[2:])
    images = max(LAID_OUT // (row * shape[1]), 1)
    rows = shape[1] if images > 1 else max(LAID_OUT // row, 1)
    for first in range(0, shape[0], images):
        for top in range(0, shape[1], rows):
            yield slice(first, first + images), slice(top, top + rows)


def padded(images: Floats, place: Window, fill: float) -> Floats:
    """The images with the window's pads around them; themselves where there are none."""
    if not np.any(place.pads):
        return images
    return np.pad(images, ((0, 0), *place.pads, (0, 0)), constant_values=fill)


def cropped(images: Floats, place: Window, like: Floats) -> Floats:
    """The images without the window's pads: of the height and width of `like`."""
    (top, _), (left, _) = place.pads
    return images[:, top : top + like.shape[1], left : left + like.shape[2]]
