"""(x - mean) / sqrt(variance + epsilon) * scale + offset over the channels of each position.

Mean and variance are those of the position itself (Ba et al. 2016, arXiv 1607.06450), as ConvNeXt
has it between its convolutions. With z the standardised x, d the root, and h the gradient times the
scale, the gradient is (h - mean(h) - z mean(h z)) / d.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import SMALLEST, Setting, number
from implementations.arrays import Array, Floats, Tensors

ROLE = "normalisation"
CURVED = True
SETTINGS = {"epsilon": Setting("a number above 0, in float32 too", number(SMALLEST), 1e-6)}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """Unchanged."""
    return inputs[0]


def parameters(node: Node, read: Shape) -> dict[str, Shape]:
    """Scale and offset, one number a channel each."""
    return dict.fromkeys(("scale", "offset"), (read[-1],))


def _standardised(node: Node, x: Floats) -> tuple[Floats, Floats]:
    """The standardised x, and the root."""
    centred = x - x.mean(axis=-1, keepdims=True)
    root = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + node["epsilon"])
    return centred / root, root


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """Each position by itself."""
    return _standardised(node, inputs[0])[0] * tensors["scale"] + tensors["offset"]


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Without what shifts or scales all channels alike."""
    z, root = _standardised(node, inputs[0])
    h = gradient * tensors["scale"]
    along = (h * z).mean(axis=-1, keepdims=True)
    return [(h - h.mean(axis=-1, keepdims=True) - z * along) / root]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """The layer."""
    from flax import nnx

    kept = {name: types[name] for name in ("dtype", "param_dtype", "rngs")}
    return nnx.LayerNorm(
        read[-1],
        epsilon=node["epsilon"],
        use_fast_variance=False,  # mean(x^2) - mean(x)^2 cancels
        **kept,
    )


def pytorch(node: Node, read: Shape) -> Any:
    """The module; in a map the channels, axis 1, are made the last axis and put back."""
    from torch import nn

    class LayerNorm(nn.LayerNorm):  # type: ignore[misc]
        """Over the channels, wherever they are."""

        def forward(self, x: Array) -> Array:
            """Standardise each position."""
            if x.ndim == 2:
                return super().forward(x)
            return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    return LayerNorm(read[-1], eps=node["epsilon"])


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """A layer of operations: the library's own computes in float32 on JAX and on PyTorch."""
    import keras as library
    from keras import ops

    class LayerNorm(library.layers.Layer):  # type: ignore[misc]
        """Over the last axis, with means that are sums divided by a count."""

        def build(self, input_shape: Any) -> None:
            """Scale and offset."""
            size = (input_shape[-1],)
            self.gamma = self.add_weight(shape=size, initializer="ones", name="gamma")
            self.beta = self.add_weight(shape=size, initializer="zeros", name="beta")

        def call(self, inputs: Array) -> Array:
            """Standardise each position."""
            count = float(inputs.shape[-1])
            mean = ops.divide(ops.sum(inputs, axis=-1, keepdims=True), count)
            centred = ops.subtract(inputs, mean)
            squares = ops.sum(ops.square(centred), axis=-1, keepdims=True)
            root = ops.sqrt(ops.add(ops.divide(squares, count), node["epsilon"]))
            return ops.add(ops.multiply(ops.divide(centred, root), self.gamma), self.beta)

        def compute_output_shape(self, input_shape: Any) -> Any:
            """Unchanged."""
            return input_shape

    return LayerNorm(dtype=dtype, name=node.name)
