"""Why a method that is defined for ReLUs cannot serve a network with other nonlinear nodes."""

from __future__ import annotations

from implementations.architecture.graph import Architecture
from implementations.architecture.kinds import KINDS


def ruled(architecture: Architecture, layer: str) -> str | None:
    """The first activation that stands for a ReLU and has no rule of its own, or None.

    Sigmoids that open gates keep their own gradient beside the ReLUs, so they hinder nothing.
    """
    for node in architecture.nodes:
        if KINDS[node.kind].unruled:
            return f"guided backpropagation is defined for ReLUs; node {node.name!r} is {node.kind}"
    return None


def piecewise_linear(architecture: Architecture, layer: str) -> str | None:
    """The first node whose output is no slope times what it reads and a bias, or None."""
    for node in architecture.nodes:
        if KINDS[node.kind].curved:
            return f"it needs a network that is piecewise linear; node {node.name!r} is {node.kind}"
    return None
