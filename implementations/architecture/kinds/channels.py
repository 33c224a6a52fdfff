"""The channels from `start` up to `stop`, the latter not among them: one side of a split.

ShuffleNetV2 (Ma et al. 2018, arXiv 1807.11164) computes with one half and keeps the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import COUNT, Setting, integer
from implementations.arrays import Array, Floats, Tensors

SETTINGS = {"start": Setting("an integer of at least 0", integer(0)), "stop": COUNT}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """As many channels as are taken."""
    if len(inputs[0]) != 3:
        raise ValueError("it needs (height, width, channels)")
    if not node["start"] < node["stop"] <= inputs[0][-1]:
        raise ValueError("start and stop must be two of its channels, in order")
    return (*inputs[0][:2], node["stop"] - node["start"])


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """What is taken."""
    return inputs[0][..., node["start"] : node["stop"]]


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Among zeros."""
    spread = np.zeros_like(inputs[0])
    spread[..., node["start"] : node["stop"]] = gradient
    return [spread]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function."""
    return lambda x: x[..., node["start"] : node["stop"]]


def pytorch(node: Node, read: Shape) -> Any:
    """A module of its own, so that it has a name; the channels are axis 1."""
    from torch import nn

    class Channels(nn.Module):  # type: ignore[misc]
        """A range of the channels."""

        def forward(self, x: Array) -> Array:
            """Take them."""
            return x[:, node["start"] : node["stop"]]

    return Channels()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """A slice."""
    return lambda inputs: inputs[..., node["start"] : node["stop"]]
