"""x above 0, slope x below, element by element (Maas et al. 2013).

At 0 the gradient is the slope.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import Setting, number
from implementations.arrays import Array, Floats, Tensors

ROLE = "activation"
CORNERS = (0.0,)
UNRULED = True
SETTINGS = {"slope": Setting("a number from 0 to below 1", number(0, 1))}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """Unchanged."""
    return inputs[0]


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """The larger of x and slope x."""
    leaked: Floats = np.maximum(inputs[0], node["slope"] * inputs[0])
    return leaked


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """By 1 or by the slope."""
    return [gradient * np.where(inputs[0] > 0, 1.0, node["slope"])]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function; the library's own has a gradient of 1 at 0."""
    import jax.numpy as jnp

    return lambda x: jnp.where(x > 0, x, node["slope"] * x)


def pytorch(node: Node, read: Shape) -> Any:
    """The module."""
    from torch import nn

    return nn.LeakyReLU(node["slope"])


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """Operations: the layer's slope is float32 on TensorFlow, whatever the network is."""
    from keras import ops

    def leaked(inputs: Array) -> Array:
        return ops.where(ops.greater(inputs, 0), inputs, ops.multiply(inputs, node["slope"]))

    return leaked
