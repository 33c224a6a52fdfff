"""The mean of every channel over all positions: (h, w, c) to (c,) (Lin et al. 2014)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import Setting
from implementations.arrays import Floats, Tensors

SETTINGS: dict[str, Setting] = {}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """The channels."""
    if len(inputs[0]) != 3:
        raise ValueError("it needs (height, width, channels)")
    return inputs[0][-1:]


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """The mean."""
    mean: Floats = inputs[0].mean(axis=(1, 2))
    return mean


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """An equal share to every position."""
    places = math.prod(inputs[0].shape[1:3])
    return [np.broadcast_to(gradient[:, None, None, :] / places, inputs[0].shape)]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function."""
    return lambda x: x.mean(axis=(1, 2))


def pytorch(node: Node, read: Shape) -> Any:
    """The module for it."""
    from torch import nn

    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The layer."""
    from keras import layers

    return layers.GlobalAveragePooling2D(data_format="channels_last", dtype=dtype, name=node.name)
