"""The neutral weights in Keras, whose layouts are the neutral ones: HWIO and (in, out)."""

from __future__ import annotations

from typing import Any

from keras import ops

from implementations.arrays import Weights

VARIABLES = {
    "kernel": "kernel",
    "bias": "bias",
    "scale": "gamma",
    "offset": "beta",
    "mean": "moving_mean",
    "variance": "moving_variance",
}
"""Neutral name -> the layer's attribute."""


def variable(network: Any, name: str) -> Any:
    """The Keras variable of a tensor of the neutral weights."""
    node, part = name.split(".")
    return getattr(network.model.get_layer(node), VARIABLES.get(part, part))


def assign(network: Any, weights: Weights) -> None:
    """Give a network these weights. Raises RuntimeError where one of its tensors would be left."""
    left = {held.path for held in network.model.weights}
    for name, value in weights.items():
        held = variable(network, name)
        held.assign(ops.cast(value, held.dtype))
        left.remove(held.path)
    if left:
        raise RuntimeError(f"no weights for {', '.join(sorted(left))}")
