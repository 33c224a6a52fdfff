"""JAX: a Flax NNX network that is cut at a layer, as one is written that is to be explained."""

from __future__ import annotations

from dataclasses import replace

from implementations.architecture.graph import Architecture
from implementations.arrays import Weights
from implementations.errors import Unavailable
from implementations.frameworks import hosts
from implementations.frameworks.hosts import Host

HOSTS = {
    "plain": "an nnx.Module, with `features` up to a layer and the `head` after it",
}
LAYERLESS = ()


def make(name: str, architecture: Architecture, weights: Weights) -> Host:
    """A host by name. Raises Unavailable where it cannot be had here."""
    if name not in HOSTS:
        raise Unavailable(f"no {name} host is written in JAX")
    return replace(hosts.own("jax", architecture, weights, "float32"), name=name)
