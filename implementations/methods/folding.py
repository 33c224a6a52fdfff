"""Batch norms that are one with the node before, and nodes that are never below 0."""

from __future__ import annotations

from collections import Counter

from implementations.architecture.graph import Architecture
from implementations.architecture.node import Node

STATISTICS = ("scale", "offset", "mean", "variance")
"""A batch norm's own weights."""
KEEPING = (
    "add", "average_pool", "channels", "concat", "crop", "dropout", "flatten",
    "global_average_pool", "max_pool", "pad",
)  # fmt: skip
"""Kinds of node that make nothing below 0 of what is not."""


def folded(architecture: Architecture) -> dict[str, Node]:
    """Conv or dense node -> the batch norm that is folded into it: all that reads it."""
    readers = Counter(read for node in architecture.nodes for read in node.inputs)
    kinds = {node.name: node.kind for node in architecture.nodes}
    return {
        norm.inputs[0]: norm
        for norm in architecture.nodes
        if norm.kind == "batch_norm"
        and kinds.get(norm.inputs[0]) in ("conv", "dense")
        and readers[norm.inputs[0]] == 1
    }


def rectified(architecture: Architecture) -> set[str]:
    """The nodes whose output is never below 0, whatever the image."""
    found: set[str] = set()
    for node in architecture.nodes:
        kept = node.kind in KEEPING and found.issuperset(node.inputs)
        if kept or node.kind in ("relu", "relu6"):
            found.add(node.name)
    return found
