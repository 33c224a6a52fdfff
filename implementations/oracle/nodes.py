"""Every node in float64 NumPy, forward and backward, each backward derived by hand: see `kinds`."""

from __future__ import annotations

import numpy as np

from implementations.architecture.kinds import KINDS
from implementations.architecture.node import Node
from implementations.arrays import Floats, Tensors


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """The output of a node; `tensors` are its own weights by their short name (`kernel`)."""
    return KINDS[node.kind].forward(node, tensors, inputs)


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """The gradient for each input, given the one for the output."""
    return KINDS[node.kind].backward(node, tensors, inputs, gradient)


def along(node: Node, tensors: Tensors, inputs: list[Floats], changes: list[Floats]) -> Floats:
    """How the output changes along a change of each input, where the node is piecewise linear."""
    kind = KINDS[node.kind]
    if kind.along:
        return kind.along(node, tensors, inputs, changes)
    if kind.corners:  # element by element, and so its own transpose
        return backward(node, tensors, inputs, changes[0])[0]
    nothing = [np.zeros_like(change) for change in changes]
    return forward(node, tensors, changes) - forward(node, tensors, nothing)
