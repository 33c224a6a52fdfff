"""Parameters and operation counts of an architecture: arithmetic, no arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable

from implementations.architecture.graph import Architecture
from implementations.architecture.kinds import KINDS
from implementations.architecture.node import Node, Shape


def parameters(architecture: Architecture) -> dict[str, Shape]:
    """Name -> shape of every tensor of the neutral weights file, in order."""
    shapes = architecture.shapes
    return {
        f"{node.name}.{part}": shape
        for node in architecture.nodes
        for part, shape in KINDS[node.kind].parameters(node, shapes[node.inputs[0]]).items()
    }


def operations(architecture: Architecture, nodes: Iterable[Node] | None = None) -> int:
    """Floating-point operations of one image's forward pass: 2 a multiply-add.

    Through all nodes, or through those given. Which kinds count is on their pages.
    """
    shapes = architecture.shapes
    return sum(
        KINDS[node.kind].operations(node, shapes[node.inputs[0]], shapes[node.name])
        for node in (architecture.nodes if nodes is None else nodes)
    )


def summary(architecture: Architecture) -> list[tuple[str, str, Shape, int]]:
    """Rows of the model summary: name, kind, output shape, number of parameters."""
    tensors = parameters(architecture)
    return [
        (
            node.name,
            node.kind,
            architecture.shapes[node.name],
            sum(math.prod(s) for name, s in tensors.items() if name.split(".")[0] == node.name),
        )
        for node in architecture.nodes
    ]


PIXELS_A_PASS = 1 << 19
"""Pixels of all images of a pass: 668 of 28 x 28, 10 of 224 x 224."""
VALUES_A_PASS = 1 << 22
"""Values of a node for all images of a pass on a CPU, 16 MiB in float32.

What is larger leaves the cache, and is given back to the system and cleared again at every pass.
"""


def capacity(architecture: Architecture, on_gpu: bool = False) -> int:
    """How many images one pass through the network may hold, at least 1."""
    height, width, _ = architecture.input_shape
    most = PIXELS_A_PASS // (height * width)
    if not on_gpu:
        most = min(most, VALUES_A_PASS // max(map(math.prod, architecture.shapes.values())))
    return max(1, most)
