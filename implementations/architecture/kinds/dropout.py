"""Nothing when a network explains; in training each value is 0 with probability `rate`, or scaled.

What is kept is divided by 1 - rate (Srivastava et al. 2014, inverted).
"""

from __future__ import annotations

from typing import Any

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import Setting, number
from implementations.arrays import Floats, Tensors

SETTINGS = {"rate": Setting("a number from 0 to below 1", number(0, 1))}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """Unchanged."""
    return inputs[0]


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """Unchanged."""
    return inputs[0]


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Unchanged."""
    return [gradient]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A layer that is told to drop in training alone."""
    from flax import nnx

    return nnx.Dropout(node["rate"], deterministic=True)


def pytorch(node: Node, read: Shape) -> Any:
    """The module."""
    from torch import nn

    return nn.Dropout(node["rate"])


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The layer."""
    from keras import layers

    return layers.Dropout(node["rate"], seed=0, dtype=dtype, name=node.name)
