"""The oracle's network as it is where somebody took its weights, or its norms, another way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.node import Node
from implementations.arrays import Floats
from implementations.oracle.network import Reference

AS_GIVEN = "as given"
NORM = "batch_norm"
SUM = "sum of all logits"


class ByTheBatch(Reference):
    """Batch norms by the mean and variance of the batch that they read, as in training.

    Images are no longer explained each for itself: a gradient is of the sum of all their scores.
    """

    def _run(self, nodes: Iterable[Node], values: dict[str, Floats]) -> dict[str, Floats]:
        for node in nodes:
            if node.kind == NORM:
                read, own = values[node.inputs[0]], self._own(node)
                values[node.name] = _standard(node, read) * own["scale"] + own["offset"]
            else:
                super()._run([node], values)
        return values

    def _back(self, node: Node, inputs: list[Floats], gradient: Floats) -> list[Floats]:
        if node.kind != NORM:
            return super()._back(node, inputs, gradient)
        (read,), axes = inputs, tuple(range(inputs[0].ndim - 1))
        standard, pulled = _standard(node, read), gradient * self._own(node)["scale"]
        slope = (pulled * standard).mean(axis=axes)
        return [(pulled - pulled.mean(axis=axes) - standard * slope) / _deviation(node, read)]

    def with_relu(self, rule: str) -> Reference:
        """The same behind other ReLUs."""
        return ByTheBatch(self.architecture, self.tensors, rule)


def _deviation(node: Node, read: Floats) -> Floats:
    axes = tuple(range(read.ndim - 1))
    return np.asarray(np.sqrt(read.var(axis=axes) + node["epsilon"]))


def _standard(node: Node, read: Floats) -> Floats:
    return np.asarray((read - read.mean(axis=tuple(range(read.ndim - 1)))) / _deviation(node, read))


def by_the_batch(network: Reference) -> Reference | None:
    """Norms as in training; None where there is none."""
    if all(node.kind != NORM for node in network.architecture.nodes):
        return None
    return ByTheBatch(network.architecture, network.tensors)


def channels_first(network: Reference) -> Reference | None:
    """The kernel behind a flatten used as if its rows were in the order C, H, W."""
    return _reordered(network, lambda h, w, c: np.arange(c * h * w).reshape(c, h, w), (1, 2, 0))


def channels_last(network: Reference) -> Reference | None:
    """A kernel behind a flatten whose rows are in the order C, H, W, used as if in H, W, C."""
    return _reordered(network, lambda h, w, c: np.arange(h * w * c).reshape(h, w, c), (2, 0, 1))


def _reordered(
    network: Reference,
    places: Callable[[int, int, int], NDArray[Any]],
    axes: tuple[int, int, int],
) -> Reference | None:
    """Every dense kernel that reads a flatten, its rows reordered; None where none changes."""
    graph = network.architecture
    tensors = dict(network.tensors)
    for node in graph.nodes:
        before = graph[node.inputs[0]] if node.inputs[0] != "input" else None
        if node.kind != "dense" or before is None or before.kind != "flatten":
            continue
        shape = graph.shapes[before.inputs[0]]
        if len(shape) == 3 and shape[2] > 1 and shape[0] * shape[1] > 1:
            rows = places(*shape).transpose(axes).reshape(-1)
            name = f"{node.name}.kernel"
            tensors[name] = tensors[name][rows]
    if all(tensors[name] is network.tensors[name] for name in tensors):
        return None
    return Reference(graph, tensors)


def summed(network: Reference) -> Reference:
    """The same network with the sum of its logits as each of two classes.

    Its gradient takes one pass, and rules of ReLUs see it as where somebody sums before pulling
    back: what a rule lets pass of a sum is not the sum of what it lets pass of each logit.
    """
    graph = network.architecture
    node = Node(SUM, "dense", (graph.output,), {"units": 2, "bias": False})
    whole = replace(graph, classes=2, nodes=(*graph.nodes, node))
    tensors = {**network.tensors, f"{SUM}.kernel": np.ones((graph.classes, 2))}
    return type(network)(whole, tensors, network.rule)


VARIANTS: Mapping[str, Callable[[Reference], Reference | None]] = {
    AS_GIVEN: lambda network: network,
    "batch statistics in norms": by_the_batch,
    "flatten in the order C, H, W": channels_first,
    "dense kernel in the order C, H, W": channels_last,
}
"""What may have become of a network's weights or norms -> the network that it then is."""
