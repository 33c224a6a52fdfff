"""max(x, 0), element by element. At the corner itself the gradient is 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import Setting
from implementations.arrays import Floats, Tensors

ROLE = "activation"
CORNERS = (0.0,)
SETTINGS: dict[str, Setting] = {}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """Unchanged."""
    return inputs[0]


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """The open part."""
    return np.maximum(inputs[0], 0.0)


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Where it is open."""
    return [gradient * (inputs[0] > 0)]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """The function."""
    from jax import nn

    return nn.relu


def pytorch(node: Node, read: Shape) -> Any:
    """The module."""
    from torch import nn

    return nn.ReLU()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The layer."""
    from keras import layers

    return layers.ReLU(dtype=dtype, name=node.name)
