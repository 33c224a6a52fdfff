"""The largest value in every window, each channel its own. Padding is minus infinity.

Of equal values the first in the window, row by row, has the gradient.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import POOL
from implementations.architecture.window import cropped, padded, symmetric, taps, window
from implementations.arrays import Floats, Tensors

SETTINGS = POOL


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """A position a window."""
    if len(inputs[0]) != 3:
        raise ValueError("it needs (height, width, channels)")
    return (*window(node, inputs[0]).size, inputs[0][-1])


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """The largest."""
    place = window(node, inputs[0].shape[1:])
    images = padded(inputs[0], place, -np.inf)
    largest = np.full((len(images), *place.size, images.shape[-1]), -np.inf)
    for _, _, tap in taps(place):
        largest = np.maximum(largest, images[tap])
    return largest


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """To the first of the largest."""
    place = window(node, inputs[0].shape[1:])
    images, largest = padded(inputs[0], place, -np.inf), forward(node, tensors, inputs)
    spread, taken = np.zeros_like(images), np.zeros(largest.shape, bool)
    for _, _, tap in taps(place):
        first = (images[tap] == largest) & ~taken
        spread[tap] += np.where(first, gradient, 0.0)
        taken |= first
    return [cropped(spread, place, inputs[0])]


def along(node: Node, tensors: Tensors, inputs: list[Floats], changes: list[Floats]) -> Floats:
    """The change of the first of the largest."""
    place = window(node, inputs[0].shape[1:])
    images, largest = padded(inputs[0], place, -np.inf), forward(node, tensors, inputs)
    changed, taken = padded(changes[0], place, 0.0), np.zeros(largest.shape, bool)
    found = np.zeros(largest.shape)
    for _, _, tap in taps(place):
        first = (images[tap] == largest) & ~taken
        found += np.where(first, changed[tap], 0.0)
        taken |= first
    return found


def gaps(node: Node, read: Floats) -> Floats:
    """The gap, in every window, between its largest value and the next one that differs."""
    place = window(node, read.shape[1:])
    images = padded(read, place, -np.inf)
    largest = forward(node, {}, [read])
    found = np.full(largest.shape, np.inf)
    for _, _, tap in taps(place):
        gap = largest - images[tap]
        found = np.minimum(found, np.where(gap > 0, gap, np.inf))
    return found


def contenders(node: Node, read: Floats, slack: Floats) -> NDArray[np.bool_]:
    """Which values are within the slack of the largest of a window, beside another one that is."""
    place = window(node, read.shape[1:])
    images = padded(read, place, -np.inf)
    largest = forward(node, {}, [read])
    near = [images[tap] >= largest - slack for _, _, tap in taps(place)]
    several = np.sum(near, axis=0) > 1
    found = np.zeros(images.shape, bool)
    for (_, _, tap), close in zip(taps(place), near, strict=True):
        found[tap] |= close & several
    (top, _), (left, _) = place.pads
    return found[:, top : top + read.shape[1], left : left + read.shape[2]]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function."""
    from flax import nnx

    place = window(node, read)
    return lambda x: nnx.max_pool(
        x, window_shape=place.kernel, strides=place.stride, padding=place.pads
    )


def pytorch(node: Node, read: Shape) -> Any:
    """The module, behind one that pads where its own padding cannot."""
    from torch import nn

    place = window(node, read)
    (top, bottom), (left, right) = place.pads
    for ceil in (False, True):
        if symmetric(node, place, read, ceil):
            return nn.MaxPool2d(place.kernel, place.stride, (top, left), ceil_mode=ceil)
    pad = nn.ConstantPad2d((left, right, top, bottom), -math.inf)
    return nn.Sequential(pad, nn.MaxPool2d(place.kernel, place.stride))


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The layer, behind an operation that pads."""
    from keras import layers, ops

    place = window(node, read)
    width = ((0, 0), *place.pads, (0, 0))
    pool = layers.MaxPooling2D(
        place.kernel,
        place.stride,
        "valid",
        data_format="channels_last",
        dtype=dtype,
        name=node.name,
    )
    if not np.any(width):
        return pool
    return lambda inputs: pool(ops.pad(inputs, width, constant_values=-math.inf))
