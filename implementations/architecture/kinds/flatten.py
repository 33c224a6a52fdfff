"""A map (h, w, c) as one vector of its values, in the order height, width, channel.

PyTorch's maps are (c, h, w): what reads the vector has its rows in that order there.
"""

from __future__ import annotations

import math
from typing import Any

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import Setting
from implementations.arrays import Floats, Tensors

SETTINGS: dict[str, Setting] = {}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """All the values in one axis."""
    return (math.prod(inputs[0]),)


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """Row by row."""
    return inputs[0].reshape(len(inputs[0]), -1)


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Back into the map."""
    return [gradient.reshape(inputs[0].shape)]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function."""
    return lambda x: x.reshape(x.shape[0], -1)


def pytorch(node: Node, read: Shape) -> Any:
    """The module, in PyTorch's own order."""
    from torch import nn

    return nn.Flatten()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The layer."""
    from keras import layers

    return layers.Flatten(data_format="channels_last", dtype=dtype, name=node.name)
