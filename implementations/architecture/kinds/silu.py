"""x s(x) with the sigmoid s, element by element, or swish (Elfwing et al. 2017, arXiv 1702.03118).

Its slope is s + x s (1 - s), which is a little below 0 for x below -1.28.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import Setting
from implementations.arrays import Floats, Tensors

ROLE = "activation"
CURVED = True
UNRULED = True
SETTINGS: dict[str, Setting] = {}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """Unchanged."""
    return inputs[0]


def _sigmoid(x: Floats) -> Floats:
    small = np.exp(-np.abs(x))
    opened: Floats = np.where(x >= 0, 1.0, small) / (1.0 + small)
    return opened


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """Gated by itself."""
    return inputs[0] * _sigmoid(inputs[0])


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Through both factors."""
    opened = _sigmoid(inputs[0])
    return [gradient * opened * (1.0 + inputs[0] * _sigmoid(-inputs[0]))]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """The function."""
    from jax import nn

    return nn.silu


def pytorch(node: Node, read: Shape) -> Any:
    """The module."""
    from torch import nn

    return nn.SiLU()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The operation."""
    from keras import ops

    return ops.silu
