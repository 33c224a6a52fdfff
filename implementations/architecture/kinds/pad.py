"""Zeros around a map, and before and after its channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import (
    WIDEST_PADDING,
    Setting,
    both,
    integer,
    margins,
)
from implementations.arrays import Floats, Tensors

SETTINGS = {
    "spatial": Setting(
        f"integers from 0 to {WIDEST_PADDING}: n, [vertical, horizontal] or "
        "[[top, bottom], [left, right]]",
        margins,
        ((0, 0), (0, 0)),
    ),
    "channels": Setting(
        f"an integer from 0 to {WIDEST_PADDING}, or [before, after] of such",
        both(integer(0, WIDEST_PADDING)),
        (0, 0),
    ),
}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """As much larger as the zeros."""
    if len(inputs[0]) != 3:
        raise ValueError("it needs (height, width, channels)")
    height, width, channels = inputs[0]
    (top, bottom), (left, right) = node["spatial"]
    return (height + top + bottom, width + left + right, channels + sum(node["channels"]))


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """With zeros around."""
    return np.pad(inputs[0], ((0, 0), *node["spatial"], node["channels"]))


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """What lies inside."""
    starts = [before for before, _ in (*node["spatial"], node["channels"])]
    ends = [start + n for start, n in zip(starts, inputs[0].shape[1:], strict=True)]
    inside = tuple(slice(start, end) for start, end in zip(starts, ends, strict=True))
    cropped: Floats = gradient[(slice(None), *inside)]
    return [cropped]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function."""
    import jax.numpy as jnp

    return lambda x: jnp.pad(x, ((0, 0), *node["spatial"], node["channels"]))


def pytorch(node: Node, read: Shape) -> Any:
    """The module that pads three axes."""
    from torch import nn

    (top, bottom), (left, right) = node["spatial"]
    return nn.ConstantPad3d((left, right, top, bottom, *node["channels"]), 0.0)


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """An operation: a layer that pads in mid-model breaks compiling on PyTorch."""
    from keras import ops

    width = ((0, 0), *node["spatial"], node["channels"])
    if not np.any(width):
        return lambda inputs: inputs
    return lambda inputs: ops.pad(inputs, width, constant_values=0.0)
