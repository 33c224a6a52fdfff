"""JAX's network: a Flax NNX module that runs an architecture's graph, whole or in two parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from implementations.architecture import kinds
from implementations.architecture.graph import Architecture, Node, cut
from implementations.architecture.shapes import capacity
from implementations.arrays import Array
from implementations.contract import RELU_RULES, SCORES, NodeFunction
from implementations.errors import BadInput, unknown
from implementations.frameworks.jax.layers import function, layer
from implementations.frameworks.jax.weights import variable


class Network(nnx.Module):  # type: ignore[misc]  # flax's classes are untyped here
    """An architecture with weights: NNX layers by node name, run in the order of the graph.

    A pytree: its arrays are the weights, all else is static, so `jax.jit` takes it as an argument.
    """

    def __init__(
        self, architecture: Architecture, device: jax.Device, precision: str, rngs: nnx.Rngs
    ) -> None:
        self.architecture = architecture
        self.device = device
        self.precision = precision
        self.relu_rule: str | None = None
        self.functions: tuple[tuple[str, NodeFunction], ...] = ()  # static, so hashable
        made = {n.name: layer(architecture, n, precision, rngs) for n in architecture.nodes}
        self.layers = nnx.Dict({name: made[name] for name in made if made[name] is not None})
        # An nnx.Dict holds its own methods' names too, as `items`.
        self.kept = frozenset(name for name in made if made[name] is not None)

    @property
    def capacity(self) -> int:
        """How many images one pass may hold."""
        return capacity(self.architecture, self.device.platform == "gpu")

    def __call__(self, images: Array, rngs: nnx.Rngs | None = None) -> Array:
        """Logits (N, K) of images (N, H, W, C); `rngs` draws the dropout in training."""
        values = self._run(self.architecture.nodes, {"input": images}, rngs)
        return values[self.architecture.output]

    def features(self, layer: str, images: Array) -> tuple[Array, dict[str, Array]]:
        """Activations (N, h, w, c) at the layer, and what else `head` reads."""
        parts = cut(self.architecture, layer)
        values = self._run(parts.features, {"input": images})
        return values[layer], {name: values[name] for name in parts.rest}

    def head(self, layer: str, activations: Array, rest: dict[str, Array]) -> Array:
        """Logits (N, K) from the activations at the layer."""
        nodes = cut(self.architecture, layer).head
        values = self._run(nodes, {**rest, layer: activations})
        return values[self.architecture.output]

    def score(self, name: str, logits: Array, targets: Array) -> Array:
        """Per-image score (N,) of the target class, sound where the softmax saturates."""
        if name not in SCORES:
            raise BadInput(unknown("score", name, SCORES))
        target = jnp.take_along_axis(logits, targets[:, None], axis=-1)[:, 0]
        if name == "logit":
            return target
        chosen = jax.nn.one_hot(targets, logits.shape[-1], dtype=bool)
        others = jax.nn.logsumexp(jnp.where(chosen, -jnp.inf, logits), axis=-1)
        log_probability = jax.nn.log_sigmoid(target - others)
        return log_probability if name == "log_probability" else jnp.exp(log_probability)

    def tensor(self, name: str) -> Array:
        """A weight by its neutral name, in the neutral layout."""
        return variable(self, name)[...]

    def tapped(self, images: Array, offsets: Mapping[str, Array]) -> tuple[Array, dict[str, Array]]:
        """Logits, and the outputs of the nodes named, each with its offset added."""
        values = self._run(self.architecture.nodes, {"input": images}, offsets=offsets)
        return values[self.architecture.output], {name: values[name] for name in offsets}

    def resize(self, maps: Array, size: tuple[int, int]) -> Array:
        """Bilinear, half-pixel centres, no antialias: (N, h, w) to (N, H, W)."""
        return jax.image.resize(maps, (maps.shape[0], *size), "bilinear", antialias=False)

    def with_relu(self, rule: str) -> Network:
        """The same weights behind ReLUs with the backward pass `guided` or `deconvolution`."""
        if rule not in RELU_RULES:
            raise BadInput(unknown("ReLU rule", rule, RELU_RULES))
        network: Network = jax.tree.map(lambda array: array, self)
        network.relu_rule = rule
        return network

    def apply(self, node: Node, inputs: Sequence[Array], kernel: Array | None = None) -> Array:
        """The output of a node for these inputs, by its own function; or with another kernel."""
        if node.name not in self.kept:
            return function(node, list(inputs), self.relu_rule)
        own = self.layers[node.name]
        if kernel is not None:
            own = jax.tree.map(jnp.zeros_like, own)
            own.kernel.set_value(kernel)
        output: Array = own(*inputs)
        return output

    def with_nodes(self, functions: Mapping[str, NodeFunction]) -> Network:
        """The same weights, nodes of these kinds computed by other functions."""
        kinds.check(functions)
        network: Network = jax.tree.map(lambda array: array, self)
        network.functions = tuple({**dict(self.functions), **functions}.items())
        return network

    def _run(
        self,
        nodes: Iterable[Node],
        values: dict[str, Array],
        rngs: nnx.Rngs | None = None,
        offsets: Mapping[str, Array] | None = None,
    ) -> dict[str, Array]:
        functions = dict(self.functions)
        for node in nodes:
            inputs = [values[name] for name in node.inputs]
            if node.kind in functions:
                values[node.name] = functions[node.kind](self, node, inputs)
            elif node.kind == "dropout":
                values[node.name] = self.layers[node.name](*inputs, rngs=rngs)
            else:
                values[node.name] = self.apply(node, inputs)
            if offsets and node.name in offsets:
                values[node.name] += offsets[node.name]
        return values
