"""The neutral weights in JAX: HWIO and (in, out) kernels, so Flax has their layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
from flax import nnx

from implementations.architecture.shapes import parameters
from implementations.arrays import Array

ATTRIBUTES = {
    "kernel": "kernel", "bias": "bias",
    "scale": "scale", "offset": "bias", "mean": "mean", "variance": "var",
}  # fmt: skip
"""Part of a neutral name -> attribute of the NNX layer."""


def variable(network: Any, name: str) -> nnx.Variable[Any]:
    """The NNX variable of a tensor of the neutral weights."""
    node, part = name.split(".")
    found: nnx.Variable[Any] = getattr(network.layers[node], ATTRIBUTES.get(part, part))
    return found


def variables(network: Any) -> dict[str, nnx.Variable[Any]]:
    """The NNX variable of every tensor of the neutral weights."""
    return {name: variable(network, name) for name in parameters(network.architecture)}


def filled(network: Any, arrays: Mapping[str, Array]) -> Any:
    """The same network around these arrays, by neutral name."""
    copy = jax.tree.map(lambda array: array, network)
    for name, held in variables(copy).items():
        held.set_value(arrays[name])
    return copy
