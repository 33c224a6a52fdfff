"""(x - mean) / sqrt(variance + epsilon) * scale + offset, by channel (Ioffe & Szegedy 2015).

A network that explains uses the averages kept; training moves them by 1 - momentum a step.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import SMALLEST, Setting, number
from implementations.arrays import Floats, Tensors

ROLE = "normalisation"
SETTINGS = {
    "momentum": Setting("a number from 0 to 1", number(0, math.nextafter(1, 2)), 0.99),
    "epsilon": Setting("a number above 0, in float32 too", number(SMALLEST), 1e-3),
}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """Unchanged."""
    return inputs[0]


def parameters(node: Node, read: Shape) -> dict[str, Shape]:
    """Scale, offset, mean and variance, one number a channel each."""
    return dict.fromkeys(("scale", "offset", "mean", "variance"), (read[-1],))


def _deviation(node: Node, tensors: Tensors) -> Floats:
    deviation: Floats = np.sqrt(tensors["variance"] + node["epsilon"])
    return deviation


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """With the averages kept."""
    centred = (inputs[0] - tensors["mean"]) / _deviation(node, tensors)
    return centred * tensors["scale"] + tensors["offset"]


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """A factor a channel."""
    return [gradient * (tensors["scale"] / _deviation(node, tensors))]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """The layer."""
    from flax import nnx

    kept = {name: types[name] for name in ("dtype", "param_dtype", "rngs")}
    return nnx.BatchNorm(
        read[-1],
        use_running_average=True,
        momentum=node["momentum"],
        epsilon=node["epsilon"],
        use_fast_variance=False,  # mean(x^2) - mean(x)^2 cancels
        **kept,
    )


def pytorch(node: Node, read: Shape) -> Any:
    """The module, of maps or of vectors."""
    from torch import nn

    make = nn.BatchNorm2d if len(read) == 3 else nn.BatchNorm1d
    return make(read[-1], eps=node["epsilon"], momentum=1 - node["momentum"])


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The layer."""
    from keras import layers

    return layers.BatchNormalization(
        axis=-1, momentum=node["momentum"], epsilon=node["epsilon"], dtype=dtype, name=node.name
    )
