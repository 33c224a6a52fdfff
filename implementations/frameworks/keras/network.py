"""A network in Keras: a functional model over the nodes, and its halves at a layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from implementations.architecture.graph import Architecture, Node, cut
from implementations.arrays import Array
from implementations.contract import RELU_RULES, SCORES
from implementations.errors import BadInput, unknown
from implementations.frameworks.keras.backends import BACKEND
from implementations.frameworks.keras.layers import Apply, RuledRelu


class Halves(NamedTuple):
    """The submodels of a network at one layer, and what the second reads besides the layer."""

    features: Any
    head: Any
    rest: tuple[str, ...]


class Network:
    """A `KerasNetwork`: a functional model, and its halves at every layer it was split at.

    The halves are models over the same layer objects, so all of them share one set of weights.
    """

    def __init__(
        self, architecture: Architecture, precision: str, applied: dict[str, Apply]
    ) -> None:
        self.architecture = architecture
        self.precision = precision
        self.dtype = "float32" if precision == "tf32" else precision
        self.applied = applied
        self._halves: dict[str, Halves] = {}
        images = self._input("input")
        self.tensors = self._run(architecture.nodes, {"input": images})
        self.model = keras.Model(images, self.tensors[architecture.output])

    def __call__(self, images: Array) -> Array:
        """Logits (N, K) of images (N, H, W, C)."""
        return self.model(images, training=False)

    def split(self, layer: str) -> None:
        """Make the submodels of a layer, once. Raises RuntimeError while tracing."""
        if layer in self._halves:
            return
        if BACKEND.tracing():
            raise RuntimeError(f"call network.split({layer!r}) in the builder: this is traced")
        parts = cut(self.architecture, layer)
        read = [layer, *parts.rest]
        features = keras.Model(self.tensors["input"], {name: self.tensors[name] for name in read})
        inputs = {name: self._input(name) for name in read}
        outputs = self._run(parts.head, dict(inputs))
        head = keras.Model(list(inputs.values()), outputs[self.architecture.output])
        self._halves[layer] = Halves(features, head, parts.rest)

    def features(self, layer: str, images: Array) -> tuple[Array, dict[str, Array]]:
        """Activations (N, h, w, c) at the layer, and what else `head` reads past it."""
        if layer == "input":
            return images, {}
        self.split(layer)
        rest = dict(self._halves[layer].features(images, training=False))
        return rest.pop(layer), rest

    def head(self, layer: str, activations: Array, rest: dict[str, Array]) -> Array:
        """Logits (N, K) from the activations at the layer."""
        if layer == "input":
            return self(activations)
        self.split(layer)
        halves = self._halves[layer]
        return halves.head([activations, *[rest[name] for name in halves.rest]], training=False)

    def score(self, name: str, logits: Array, targets: Array) -> Array:
        """Per-image score (N,) of the target class. Raises BadInput for a score unknown."""
        if name not in SCORES:
            raise BadInput(unknown("score", name, SCORES))
        classes = ops.arange(self.architecture.classes, dtype="int32")
        chosen = ops.equal(ops.expand_dims(ops.cast(targets, "int32"), 1), classes)
        logit = ops.sum(ops.where(chosen, logits, ops.zeros_like(logits)), axis=1)
        if name == "logit":
            return logit
        others = ops.where(chosen, ops.full_like(logits, float("-inf")), logits)
        log_probability = ops.log_sigmoid(logit - ops.logsumexp(others, axis=1))
        return ops.exp(log_probability) if name == "probability" else log_probability

    def kernel(self, node: str) -> Array:
        """The kernel (in, out) of a dense node."""
        return ops.convert_to_tensor(self.model.get_layer(node).kernel)

    def with_relu(self, rule: str) -> Network:
        """The same variables behind ReLUs with another backward pass. Raises BadInput."""
        if rule not in RELU_RULES:
            raise BadInput(unknown("ReLU rule", rule, RELU_RULES))
        applied = dict(self.applied)
        for node in self.architecture.nodes:
            if node.kind in ("relu", "relu6"):
                function = BACKEND.relu(rule, 6.0 if node.kind == "relu6" else float("inf"))
                applied[node.name] = RuledRelu(function, dtype=self.dtype, name=node.name)
        return Network(self.architecture, self.precision, applied)

    def gradient(self, function: Callable[[Array], Array]) -> Callable[[Array], Array]:
        """The gradient of a scalar function of one array: the backend's own."""
        return BACKEND.gradient(function)

    def _input(self, node: str) -> Any:
        return keras.Input(self.architecture.shapes[node], dtype=self.dtype)

    def _run(self, nodes: Sequence[Node], tensors: dict[str, Any]) -> dict[str, Any]:
        for node in nodes:
            tensors[node.name] = self.applied[node.name](*[tensors[name] for name in node.inputs])
        return tensors
