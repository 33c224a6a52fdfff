"""x min(max(x + 3, 0), 6) / 6, element by element (Howard et al. 2019, arXiv 1905.02244).

Its slope is 0 up to -3, x / 3 + 1/2 between, and 1 from 3 on: at the corners 0 and 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import Setting
from implementations.arrays import Floats, Tensors

ROLE = "activation"
CORNERS = (-3.0, 3.0)
CURVED = True
UNRULED = True
SETTINGS: dict[str, Setting] = {}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """Unchanged."""
    return inputs[0]


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """Gated by a sigmoid of three lines."""
    return inputs[0] * np.clip(inputs[0] + 3.0, 0.0, 6.0) / 6.0


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Through both factors."""
    between = inputs[0] / 3.0 + 0.5
    slope = np.where(inputs[0] <= -3, 0.0, np.where(inputs[0] >= 3, 1.0, between))
    return [gradient * slope]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """The function."""
    from jax import nn

    return nn.hard_swish


def pytorch(node: Node, read: Shape) -> Any:
    """The module."""
    from torch import nn

    return nn.Hardswish()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The operation."""
    from keras import ops

    return ops.hard_silu
