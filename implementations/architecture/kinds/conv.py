"""A convolution over height and width: kernel (h, w, in / groups, out), zeros around the map.

`same` is TensorFlow's: the output has ceil(n / stride) rows, the odd row of zeros at the bottom.
No kernel is flipped. `groups` splits channels and filters (as many as channels: depthwise).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import COUNT, FLAG, PADDING, SIZES
from implementations.architecture.window import (
    cropped,
    padded,
    strips,
    symmetric,
    taps,
    window,
    windows,
)
from implementations.arrays import Floats, Tensors

SETTINGS = {
    "filters": COUNT,
    "kernel": SIZES,
    "stride": SIZES.otherwise(1),
    "padding": PADDING.otherwise("same"),
    "dilation": SIZES.otherwise(1),
    "groups": COUNT.otherwise(1),
    "bias": FLAG.otherwise(True),
}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """A position a window, a channel a filter."""
    if len(inputs[0]) != 3:
        raise ValueError("it needs (height, width, channels)")
    size, groups = window(node, inputs[0]).size, node["groups"]
    if inputs[0][-1] % groups or node["filters"] % groups:
        raise ValueError(f"groups {groups} must divide the channels and the filters")
    return (*size, node["filters"])


def parameters(node: Node, read: Shape) -> dict[str, Shape]:
    """Kernel (h, w, in / groups, out), bias (out,)."""
    filters = node["filters"]
    kernel: dict[str, Shape] = {"kernel": (*node["kernel"], read[-1] // node["groups"], filters)}
    return {**kernel, "bias": (filters,)} if node["bias"] else kernel


def operations(node: Node, read: Shape, made: Shape) -> int:
    """Two a multiply-add, at every position."""
    return 2 * math.prod(made[:-1]) * math.prod(parameters(node, read)["kernel"])


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """Every window as a row, times the kernel."""
    place, groups = window(node, inputs[0].shape[1:]), node["groups"]
    images, kernel = padded(inputs[0], place, 0.0), _matrices(tensors["kernel"], groups)
    output = np.empty((len(images), *place.size, node["filters"]))
    seen = windows(images, place)
    for part in strips(seen.shape):
        rows = _grouped(seen[part], groups)
        output[part] = _ungrouped(rows @ kernel, output[part].shape)
    return output + tensors["bias"] if node["bias"] else output


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Every position's gradient times the transposed kernel, added to the window it was read in."""
    place, groups = window(node, inputs[0].shape[1:]), node["groups"]
    spread = np.zeros_like(padded(inputs[0], place, 0.0))
    kernel = _matrices(tensors["kernel"], groups).swapaxes(1, 2)
    shape = windows(spread, place).shape
    for part in strips(shape):
        rows = _grouped(gradient[part], groups) @ kernel
        back = _ungrouped(rows, (*gradient[part].shape[:3], *shape[3:]))
        for i, j, (_, down, right) in taps(place):
            spread[part[0], down, right][:, part[1]] += back[..., i, j, :]
    return [cropped(spread, place, inputs[0])]


def _matrices(kernel: Floats, groups: int) -> Floats:
    """The kernel (h, w, n, groups * m) as (groups, h * w * n, m)."""
    rows = kernel.reshape(math.prod(kernel.shape[:-1]), groups, -1)
    return np.ascontiguousarray(rows.swapaxes(0, 1))


def _grouped(array: Floats, groups: int) -> Floats:
    """(N, h, w, ..., groups * n) to (groups, N * h * w, ... * n)."""
    split = array.reshape(*array.shape[:-1], groups, array.shape[-1] // groups)
    return np.moveaxis(split, -2, 0).reshape(groups, math.prod(array.shape[:3]), -1)


def _ungrouped(array: Floats, shape: tuple[int, ...]) -> Floats:
    """Back again: to this shape (N, h, w, ..., groups * n)."""
    groups = len(array)
    split = array.reshape(groups, *shape[:-1], shape[-1] // groups)
    return np.moveaxis(split, 0, -2).reshape(shape)


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """The layer."""
    from flax import nnx

    place = window(node, read)
    return nnx.Conv(
        read[-1],
        node["filters"],
        place.kernel,
        strides=place.stride,
        padding=place.pads,
        kernel_dilation=place.dilation,
        feature_group_count=node["groups"],
        use_bias=node["bias"],
        **types,
    )


def pytorch(node: Node, read: Shape) -> Any:
    """The module, behind one that pads where its own padding cannot."""
    from torch import nn

    place = window(node, read)
    (top, bottom), (left, right) = place.pads
    native = symmetric(node, place, read)
    conv = nn.Conv2d(
        read[-1],
        node["filters"],
        place.kernel,
        stride=place.stride,
        padding=(top, left) if native else 0,
        dilation=place.dilation,
        groups=node["groups"],
        bias=node["bias"],
    )
    return conv if native else nn.Sequential(nn.ZeroPad2d((left, right, top, bottom)), conv)


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The layer, which pads by `same` or not at all: any other padding is an operation."""
    from keras import layers, ops

    place = window(node, read)
    same = place == window(replace(node, settings={**node.settings, "padding": "same"}), read)
    # No backend convolves with a stride and a dilation at once: keep every s-th position instead.
    thinned = max(place.stride) > 1 and max(place.dilation) > 1
    layer = layers.Conv2D(
        node["filters"],
        place.kernel,
        strides=1 if thinned else place.stride,
        padding="same" if same and not thinned else "valid",
        data_format="channels_last",
        dilation_rate=place.dilation,
        groups=node["groups"],
        use_bias=node["bias"],
        kernel_initializer="zeros",
        dtype=dtype,
        name=node.name,
    )
    if same and not thinned:
        return layer
    width, (down, right) = ((0, 0), *place.pads, (0, 0)), place.stride

    def padded_first(inputs: Any) -> Any:
        made = layer(ops.pad(inputs, width) if np.any(width) else inputs)
        return made[:, ::down, ::right, :] if thinned else made

    return padded_first
