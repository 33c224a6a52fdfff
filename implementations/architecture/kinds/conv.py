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
from implementations.architecture.window import cropped, padded, symmetric, taps, window
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
    """A product of matrices at each offset of the window."""
    place = window(node, inputs[0].shape[1:])
    images, groups, kernel = padded(inputs[0], place, 0.0), node["groups"], tensors["kernel"]
    total = np.zeros((groups, len(images) * math.prod(place.size), node["filters"] // groups))
    for i, j, tap in taps(place):
        total += _grouped(images[tap], groups) @ _grouped(kernel[i, j], groups)
    output = _ungrouped(total, (len(images), *place.size))
    return output + tensors["bias"] if node["bias"] else output


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Each offset's product with the transposed kernel, added where it was read."""
    place = window(node, inputs[0].shape[1:])
    spread = np.zeros_like(padded(inputs[0], place, 0.0))
    groups, kernel = node["groups"], tensors["kernel"]
    grouped = _grouped(gradient, groups)
    for i, j, tap in taps(place):
        part = grouped @ _grouped(kernel[i, j], groups).swapaxes(1, 2)
        spread[tap] += _ungrouped(part, gradient.shape[:3])
    return [cropped(spread, place, inputs[0])]


def _grouped(array: Floats, groups: int) -> Floats:
    """(..., groups * n) to (groups, everything else, n)."""
    return array.reshape(-1, groups, array.shape[-1] // groups).swapaxes(0, 1)


def _ungrouped(array: Floats, shape: tuple[int, ...]) -> Floats:
    return array.swapaxes(0, 1).reshape(*shape, -1)


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
