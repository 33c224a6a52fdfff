"""The neutral weights in PyTorch: one table to its tensors and back, each tensor exactly once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from implementations.architecture.graph import Architecture
from implementations.architecture.kinds import KINDS
from implementations.architecture.shapes import parameters
from implementations.arrays import Weights
from implementations.errors import BadInput

Orders = dict[str, NDArray[np.intp]]

ATTRIBUTES = {
    "kernel": "weight", "scale": "weight", "offset": "bias",
    "mean": "running_mean", "variance": "running_var",
}  # fmt: skip
"""Neutral part -> the module's tensor, where it has another name."""
AXES: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {
    4: ((3, 2, 0, 1), (2, 3, 1, 0)), 2: ((1, 0), (1, 0)), 1: ((0,), (0,)),
}  # fmt: skip
"""How many axes a tensor has -> the axes to PyTorch's order and back: HWIO to OIHW."""

Entry = tuple[Any, tuple[int, ...], tuple[int, ...], NDArray[np.intp] | None]


def entry(network: Any, name: str) -> Entry:
    """Of a neutral name: tensor, axes to, axes back, the order of its rows where that differs."""
    node_name, part = name.split(".")
    node, module = network.architecture[node_name], network.layers[node_name]
    owner = module[-1] if isinstance(module, nn.Sequential) else module
    tensor = getattr(owner, ATTRIBUTES.get(part, part))
    # All but a bias has a row for each feature that is read.
    order = network.orders.get(node.inputs[0]) if part != "bias" else None
    return tensor, *AXES[tensor.ndim], order


def tensors(network: Any) -> Iterator[tuple[str, Entry]]:
    """Every tensor of the neutral weights, by name."""
    return ((name, entry(network, name)) for name in parameters(network.architecture))


def neutral(network: Any, name: str) -> torch.Tensor:
    """A tensor in the neutral layout, its rows in the neutral order."""
    tensor, _, back, order = entry(network, name)
    tensor = tensor.permute(back)
    return tensor if order is None else tensor[torch.from_numpy(np.argsort(order))]


def load(network: Any, weights: Weights) -> None:
    """Neutral weights into a network's tensors, each exactly once."""
    left = dict(weights)
    with torch.no_grad():
        for name, (tensor, to, _, order) in tensors(network):
            array = left.pop(name)
            array = (array if order is None else array[order]).transpose(to)
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(array)))
    if left:
        raise BadInput(f"weights: tensor {min(left)!r} belongs to no node")


def feature_orders(architecture: Architecture) -> Orders | None:
    """Vector node -> the neutral position of each of its features, where PyTorch's order differs.

    PyTorch flattens (C, H, W), the neutral weights are for (H, W, C): rather than permute at every
    forward pass, the rows of whatever reads the vector are permuted once. Where that cannot be (an
    `add` of two orders, logits that are such a vector, a map that is multiplied by one) it is None,
    and the flatten itself reorders.
    """
    orders: Orders = {}
    vectors = [n for n in architecture.nodes if len(architecture.shapes[n.name]) == 1]
    for node in vectors:
        shape = architecture.shapes[node.inputs[0]]
        read = [orders[name] for name in node.inputs if name in orders]
        if node.kind == "flatten" and len(shape) == 3:
            places = np.arange(math.prod(shape)).reshape(shape)
            orders[node.name] = places.transpose(2, 0, 1).ravel()
        elif node.kind == "concat":
            widths = [len(order) for order in read]
            starts = np.cumsum([0, *widths[:-1]])
            orders[node.name] = np.concatenate(
                [order + start for order, start in zip(read, starts, strict=True)]
            )
        elif len(shape) == 3 or "kernel" in KINDS[node.kind].parameters(node, shape):
            orders[node.name] = np.arange(architecture.shapes[node.name][0])
        elif any((order != read[0]).any() for order in read):
            return None
        else:
            orders[node.name] = read[0]
    identity = {name: (order == np.arange(len(order))).all() for name, order in orders.items()}
    maps = [node for node in architecture.nodes if len(architecture.shapes[node.name]) == 3]
    as_they_are = {architecture.output, *(name for node in maps for name in node.inputs)}
    if not all(identity.get(name, True) for name in as_they_are):
        return None
    return {name: order for name, order in orders.items() if not identity[name]}
