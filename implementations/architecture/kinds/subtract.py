"""The first of two inputs less the second, both of one shape."""

from __future__ import annotations

from typing import Any

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import Setting
from implementations.arrays import Array, Floats, Tensors

JOINS = True
ROLE = "join"
SETTINGS: dict[str, Setting] = {}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """That of each."""
    if len(inputs) != 2:
        raise ValueError("it subtracts one node from another")
    if inputs[0] != inputs[1]:
        raise ValueError("the shapes do not match")
    return inputs[0]


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """Element by element."""
    return inputs[0] - inputs[1]


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """The same, and less the same."""
    return [gradient, -gradient]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """The function."""
    import jax.numpy as jnp

    return jnp.subtract


def pytorch(node: Node, read: Shape) -> Any:
    """A module of its own, so that it has a name."""
    from torch import nn

    class Subtract(nn.Module):  # type: ignore[misc]
        """The difference of its inputs."""

        def forward(self, first: Array, second: Array) -> Array:
            """Subtract the second."""
            return first - second

    return Subtract()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The operation."""
    from keras import ops

    return ops.subtract
