"""Its inputs channel after channel, all of one height and width, in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import Setting
from implementations.arrays import Array, Floats, Tensors

JOINS = True
ROLE = "join"
SETTINGS: dict[str, Setting] = {}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """The channels of all."""
    if len(inputs) < 2:
        raise ValueError("it joins two nodes or more")
    if len({read[:-1] for read in inputs}) != 1:
        raise ValueError("the shapes do not match")
    return (*inputs[0][:-1], sum(read[-1] for read in inputs))


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """Along the last axis."""
    return np.concatenate(inputs, axis=-1)


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Each its own channels."""
    ends = np.cumsum([array.shape[-1] for array in inputs])
    return np.split(gradient, ends[:-1], axis=-1)


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function."""
    import jax.numpy as jnp

    return lambda *inputs: jnp.concatenate(inputs, axis=-1)


def pytorch(node: Node, read: Shape) -> Any:
    """A module of its own, so that it has a name; the channels are axis 1."""
    import torch

    class Concat(torch.nn.Module):  # type: ignore[misc]
        """Its inputs, channel after channel."""

        def forward(self, *inputs: Array) -> Array:
            """Concatenate along axis 1."""
            return torch.cat(inputs, dim=1)

    return Concat()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The layer."""
    from keras import layers

    layer = layers.Concatenate(axis=-1, dtype=dtype, name=node.name)
    return lambda *inputs: layer(list(inputs))
