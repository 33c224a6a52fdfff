"""A map without its outermost rows and columns: what a pad of less than nothing does."""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import WIDEST_PADDING, Setting, margins
from implementations.arrays import Array, Floats, Tensors

SETTINGS = {
    "spatial": Setting(
        f"integers from 0 to {WIDEST_PADDING}: n, [vertical, horizontal] or "
        "[[top, bottom], [left, right]]",
        margins,
    ),
}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """As much smaller as is cut."""
    if len(inputs[0]) != 3:
        raise ValueError("it needs (height, width, channels)")
    height, width, channels = inputs[0]
    vertical, horizontal = map(sum, node["spatial"])
    if height <= vertical or width <= horizontal:
        raise ValueError("nothing would be left of it")
    return (height - vertical, width - horizontal, channels)


def _inside(node: Node, read: Shape) -> tuple[slice, slice]:
    (top, bottom), (left, right) = node["spatial"]
    return slice(top, read[0] - bottom), slice(left, read[1] - right)


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """What is left."""
    return inputs[0][:, *_inside(node, inputs[0].shape[1:])]


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """With zeros around."""
    return [np.pad(gradient, ((0, 0), *node["spatial"], (0, 0)))]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function."""
    rows, columns = _inside(node, read)
    return lambda x: x[:, rows, columns]


def pytorch(node: Node, read: Shape) -> Any:
    """A module of its own, so that it has a name; images are (N, C, H, W)."""
    from torch import nn

    rows, columns = _inside(node, read)

    class Crop(nn.Module):  # type: ignore[misc]
        """A map without its outermost rows and columns."""

        def forward(self, x: Array) -> Array:
            """Cut them off."""
            return x[:, :, rows, columns]

    return Crop()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """A slice."""
    rows, columns = _inside(node, read)
    return lambda inputs: inputs[:, rows, columns]
