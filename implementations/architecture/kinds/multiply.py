"""The product of two inputs: of one shape, or a vector (c,) spread over a map (h, w, c).

The gate of squeeze and excitation (Hu et al. 2017, arXiv 1709.01507) when a sigmoid is one of them.
Its gradient for either input is the other one, summed over the positions where that was spread.
"""

from __future__ import annotations

from typing import Any

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import Setting
from implementations.arrays import Array, Floats, Tensors

JOINS = True
ROLE = "join"
CURVED = True
SETTINGS: dict[str, Setting] = {}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """That of the first, which the second is or is spread over."""
    if len(inputs) != 2:
        raise ValueError("it multiplies two nodes")
    first, second = inputs
    if second not in (first, first[-1:]):
        raise ValueError("the second must have the shape of the first, or (channels,)")
    return first


def _spread(values: Floats, over: Floats) -> Floats:
    return values if values.ndim == over.ndim else values[:, None, None, :]


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """Element by element."""
    return inputs[0] * _spread(inputs[1], inputs[0])


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Each times the other."""
    first, second = inputs
    product = gradient * first
    gathered = product if second.ndim == first.ndim else product.sum(axis=(1, 2))
    return [gradient * _spread(second, first), gathered]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function."""

    def product(first: Array, second: Array) -> Array:
        return first * (second if second.ndim == first.ndim else second[:, None, None, :])

    return product


def pytorch(node: Node, read: Shape) -> Any:
    """A module of its own, so that it has a name; maps are (N, C, H, W)."""
    from torch import nn

    class Multiply(nn.Module):  # type: ignore[misc]
        """The product of its inputs."""

        def forward(self, first: Array, second: Array) -> Array:
            """Multiply, a vector at every position."""
            return first * (second if second.ndim == first.ndim else second[:, :, None, None])

    return Multiply()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """Operations."""
    from keras import ops

    def product(first: Any, second: Any) -> Any:
        if len(second.shape) != len(first.shape):
            second = ops.reshape(second, (-1, 1, 1, read[-1]))
        return ops.multiply(first, second)

    return product
