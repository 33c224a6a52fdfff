"""The sum of its inputs, all of one shape: the shortcut of a residual network (He et al. 2015)."""

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
    if len(inputs) < 2:
        raise ValueError("it joins two nodes or more")
    if len({*inputs}) != 1:
        raise ValueError("the shapes do not match")
    return inputs[0]


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """In order."""
    return sum(inputs[1:], inputs[0])


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """The same for each."""
    return [gradient for _ in inputs]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function."""
    import functools

    import jax.numpy as jnp

    return lambda *inputs: functools.reduce(jnp.add, inputs)


def pytorch(node: Node, read: Shape) -> Any:
    """A module of its own, so that it has a name."""
    from torch import nn

    class Add(nn.Module):  # type: ignore[misc]
        """The sum of its inputs."""

        def forward(self, *inputs: Array) -> Array:
            """Add them in order."""
            total = inputs[0]
            for value in inputs[1:]:
                total = total + value
            return total

    return Add()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The layer."""
    from keras import layers

    layer = layers.Add(dtype=dtype, name=node.name)
    return lambda *inputs: layer(list(inputs))
