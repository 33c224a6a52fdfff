"""1 / (1 + exp(-x)), element by element: what a gate is opened with. Its slope is s (1 - s)."""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import Setting
from implementations.arrays import Floats, Tensors

ROLE = "activation"
CURVED = True
SETTINGS: dict[str, Setting] = {}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """Unchanged."""
    return inputs[0]


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """In (0, 1), of either sign without overflow."""
    small = np.exp(-np.abs(inputs[0]))
    opened: Floats = np.where(inputs[0] >= 0, 1.0, small) / (1.0 + small)
    return opened


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Where it is half open most."""
    small = np.exp(-np.abs(inputs[0]))
    return [gradient * small / (1.0 + small) ** 2]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """The function."""
    from jax import nn

    return nn.sigmoid


def pytorch(node: Node, read: Shape) -> Any:
    """The module."""
    from torch import nn

    return nn.Sigmoid()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The operation: the activation of that name hangs its logits on a tensor that is traced."""
    from keras import ops

    return ops.sigmoid
