"""x Phi(x), element by element, Phi the normal distribution (Hendrycks & Gimpel 2016, 1606.08415).

`approximate` is x (1 + tanh(k (x + 0.044715 x^3))) / 2 with k = sqrt(2 / pi) in its place, which
the first networks that had it were trained with.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import FLAG
from implementations.arrays import Array, Floats, Tensors

ROLE = "activation"
CURVED = True
UNRULED = True
SETTINGS = {"approximate": FLAG.otherwise(False)}
K, CUBIC = math.sqrt(2 / math.pi), 0.044715


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """Unchanged."""
    return inputs[0]


def _share(node: Node, x: Floats) -> tuple[Floats, Floats]:
    """Phi or what stands for it, and its slope."""
    if node["approximate"]:
        bent = np.tanh(K * (x + CUBIC * x**3))
        return (1 + bent) / 2, (1 - bent**2) * K * (1 + 3 * CUBIC * x**2) / 2
    from scipy.special import ndtr

    return np.asarray(ndtr(x)), np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """Gated by its own share."""
    return inputs[0] * _share(node, inputs[0])[0]


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Through both factors."""
    share, slope = _share(node, inputs[0])
    return [gradient * (share + inputs[0] * slope)]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """The function."""
    import functools

    from jax import nn

    return functools.partial(nn.gelu, approximate=node["approximate"])


def pytorch(node: Node, read: Shape) -> Any:
    """The module."""
    from torch import nn

    return nn.GELU(approximate="tanh" if node["approximate"] else "none")


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """Operations: the library's constants are float32 on TensorFlow, whatever the network is."""
    from keras import ops

    def gated(inputs: Array) -> Array:
        if node["approximate"]:
            cubic = ops.multiply(ops.power(inputs, 3), CUBIC)
            share = ops.add(ops.tanh(ops.multiply(ops.add(inputs, cubic), K)), 1.0)
        else:
            share = ops.add(ops.erf(ops.multiply(inputs, math.sqrt(0.5))), 1.0)
        return ops.multiply(ops.multiply(inputs, share), 0.5)

    return gated
