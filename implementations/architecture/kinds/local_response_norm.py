"""x s^-beta with s = bias + alpha / size * the sum of x^2 over `size` neighbouring channels.

AlexNet's (Krizhevsky et al. 2012, 3.3), whose sum is over (size - 1) // 2 channels before and
size // 2 after. The gradient is g s^-beta - (2 alpha beta / size) x times the sum, over the
channels whose windows hold this one, of g x s^(-beta - 1).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import COUNT, SMALLEST, Setting, number
from implementations.arrays import Array, Floats, Tensors

CURVED = True
POSITIVE = Setting("a number above 0, in float32 too", number(SMALLEST))
SETTINGS = {
    "size": COUNT,
    "alpha": POSITIVE.otherwise(1e-4),
    "beta": POSITIVE.otherwise(0.75),
    "bias": POSITIVE.otherwise(1.0),
}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """Unchanged."""
    if len(inputs[0]) != 3:
        raise ValueError("it needs (height, width, channels)")
    return inputs[0]


def _reach(node: Node) -> tuple[int, int]:
    """Channels before and after."""
    return (node["size"] - 1) // 2, node["size"] // 2


def _summed(values: Floats, before: int, after: int) -> Floats:
    """Of each channel the sum from so many before to so many after."""
    channels = values.shape[-1]
    padded = np.pad(values, ((0, 0), (0, 0), (0, 0), (before, after)))
    shifts = (padded[..., n : n + channels] for n in range(before + after + 1))
    return np.asarray(sum(shifts))


def _scale(node: Node, x: Floats) -> Floats:
    scale: Floats = node["bias"] + node["alpha"] / node["size"] * _summed(x**2, *_reach(node))
    return scale


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """Divided by what the neighbours are."""
    normed: Floats = inputs[0] * _scale(node, inputs[0]) ** -node["beta"]
    return normed


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Its own share, less what it takes from its neighbours."""
    (x,), (before, after) = inputs, _reach(node)
    scale = _scale(node, x)
    factor = 2 * node["alpha"] * node["beta"] / node["size"]
    taken = _summed(gradient * x * scale ** (-node["beta"] - 1), after, before)
    return [gradient * scale ** -node["beta"] - factor * x * taken]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function: the sum is a window over the channels."""
    from jax import lax

    pads = ((0, 0), (0, 0), (0, 0), _reach(node))

    def normed(x: Array) -> Array:
        window, ones = (1, 1, 1, node["size"]), (1, 1, 1, 1)
        # A concrete zero: of a traced one JAX knows no sum, and so no gradient.
        total = lax.reduce_window(x * x, np.zeros((), x.dtype), lax.add, window, ones, pads)
        return x * (node["bias"] + node["alpha"] / node["size"] * total) ** -node["beta"]

    return normed


def pytorch(node: Node, read: Shape) -> Any:
    """A module; the library's own reaches size // 2 before, which differs for an even size."""
    from torch import nn
    from torch.nn import functional

    class LocalResponseNorm(nn.Module):  # type: ignore[misc]
        """Divided by a power of the mean square of neighbouring channels."""

        def forward(self, x: Array) -> Array:
            """Normalise maps (N, C, H, W)."""
            squares = functional.pad(x * x, (0, 0, 0, 0, *_reach(node)))
            total = squares.unfold(1, node["size"], 1).sum(-1)
            return x * (node["bias"] + node["alpha"] / node["size"] * total) ** -node["beta"]

    return LocalResponseNorm()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """Operations: the sum is of slices."""
    from keras import ops

    before, after = _reach(node)

    def normed(inputs: Array) -> Array:
        squares = ops.pad(ops.square(inputs), ((0, 0), (0, 0), (0, 0), (before, after)))
        total = squares[..., : read[-1]]
        for start in range(1, node["size"]):
            total = ops.add(total, squares[..., start : start + read[-1]])
        scale = ops.add(ops.multiply(total, node["alpha"] / node["size"]), node["bias"])
        return ops.multiply(inputs, ops.power(scale, -node["beta"]))

    return normed
