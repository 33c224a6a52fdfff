"""JAX: a Flax NNX network that is cut at a layer, as one is written that is to be explained.

There is no object for a ReLU to share or to hook, no operation in place, and one layout: what goes
wrong by these elsewhere cannot here.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax
from flax import nnx

from implementations.architecture.graph import Architecture, cut
from implementations.arrays import Array, Weights
from implementations.errors import Unavailable
from implementations.frameworks import hosts
from implementations.frameworks.hosts import Host
from implementations.frameworks.jax.network import Network

HOSTS = {
    "plain": "an nnx.Module, with `features` up to a layer and the `head` after it",
    "softmax": "the head ends in a softmax",
    "train": "left in training mode: batch norm by the batch, dropout at work",
    "jit": "`features` and `head` under jax.jit",
}
LAYERLESS = ()


class Written(nnx.Module):  # type: ignore[misc]  # flax's classes are untyped here
    """A user's module around a network: with a softmax, or with layers that draw as they train."""

    def __init__(self, network: Network, softmax: bool = False) -> None:
        self.network, self.softmax, self.rngs = network, softmax, nnx.Rngs(0)

    def __call__(self, images: Array) -> Array:
        """Logits (N, K), or probabilities, of images (N, H, W, C)."""
        return self._ended(self.network(images, self.rngs))

    def features(self, layer: str, images: Array) -> tuple[Array, dict[str, Array]]:
        """Activations (N, h, w, c) at the layer, and what else `head` reads."""
        parts = cut(self.network.architecture, layer)
        values = self.network._run(parts.features, {"input": images}, self.rngs)
        return values[layer], {name: values[name] for name in parts.rest}

    def head(self, layer: str, activations: Array, rest: dict[str, Array]) -> Array:
        """What the module says (N, K), from the activations at the layer."""
        nodes = cut(self.network.architecture, layer).head
        values = self.network._run(nodes, {**rest, layer: activations}, self.rngs)
        return self._ended(values[self.network.architecture.output])

    def _ended(self, logits: Array) -> Array:
        return jax.nn.softmax(logits) if self.softmax else logits


class Traced(Written):
    """The same, whose parts are traced."""

    def features(self, layer: str, images: Array) -> tuple[Array, dict[str, Array]]:
        """Activations (N, h, w, c) at the layer, and what else `head` reads."""
        found: tuple[Array, dict[str, Array]] = _traced(self.network, layer, images)
        return found

    def head(self, layer: str, activations: Array, rest: dict[str, Array]) -> Array:
        """What the module says (N, K), from the activations at the layer."""
        return _traced_head(self.network, layer, activations, rest)


@partial(jax.jit, static_argnames="layer")
def _traced(network: Network, layer: str, images: Array) -> Any:
    return network.features(layer, images)


@partial(jax.jit, static_argnames="layer")
def _traced_head(network: Network, layer: str, activations: Array, rest: Any) -> Any:
    return network.head(layer, activations, rest)


def make(name: str, architecture: Architecture, weights: Weights) -> Host:
    """A host by name. Raises Unavailable where it cannot be had here."""
    if name not in HOSTS:
        raise Unavailable(f"no {name} host is written in JAX")
    host = replace(hosts.own("jax", architecture, weights, "float32"), name=name)
    if name == "plain":
        return host
    written = (Traced if name == "jit" else Written)(host.network, name == "softmax")
    return replace(
        host, model=written, evaluated=written,
        prepare=written.train if name == "train" else lambda: None,
        scores="probability" if name == "softmax" else "logit",
    )  # fmt: skip
