"""A network in Keras: a functional model over the nodes, and its halves at a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from implementations.architecture import kinds
from implementations.architecture.graph import Architecture, Node, cut
from implementations.architecture.shapes import capacity
from implementations.arrays import Array
from implementations.contract import RELU_RULES, SCORES, NodeFunction
from implementations.errors import BadInput, unknown
from implementations.frameworks.keras.backends import BACKEND, NAME
from implementations.frameworks.keras.layers import Apply, ChangedNode, RuledRelu
from implementations.frameworks.keras.weights import variable


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
        self,
        architecture: Architecture,
        precision: str,
        applied: Mapping[str, Apply],
        functions: Mapping[str, NodeFunction] | None = None,
        own: Network | None = None,
    ) -> None:
        self.architecture = architecture
        self.precision = precision
        self.dtype = "float32" if precision == "tf32" else precision
        self.applied = applied
        self.functions = dict(functions or {})
        self.own = own or self
        """The network whose model has every node's own layer, and so the weights."""
        self._halves: dict[str, Halves] = {}
        self._taps: dict[tuple[str, ...], Any] = {}
        changed = [node for node in architecture.nodes if node.kind in self.functions]
        self.changed = {node.name: self._changed(node) for node in changed}
        self._alone = {node.name: self._model_of(node) for node in changed}
        images = self._input("input")
        self.tensors = self._run(architecture.nodes, {"input": images})
        self.model = _model(images, self.tensors[architecture.output])

    @property
    def capacity(self) -> int:
        """How many images one pass may hold."""
        return capacity(self.architecture, BACKEND.gpu())

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
        features = _model(self.tensors["input"], {name: self.tensors[name] for name in read})
        inputs = {name: self._input(name) for name in read}
        outputs = self._run(parts.head, dict(inputs))
        head = _model(list(inputs.values()), outputs[self.architecture.output])
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

    def tensor(self, name: str) -> Array:
        """A weight by its neutral name, in the neutral layout."""
        return ops.convert_to_tensor(variable(self.own, name))

    def tap(self, nodes: Sequence[str]) -> None:
        """Make the submodel that adds an offset at each of these nodes, once."""
        if tuple(nodes) in self._taps:
            return
        offsets = {name: self._input(name) for name in nodes}
        images = self._input("input")
        tensors = self._run(self.architecture.nodes, {"input": images}, offsets)
        outputs = {name: tensors[name] for name in nodes}
        logits = tensors[self.architecture.output]
        self._taps[tuple(nodes)] = _model([images, *offsets.values()], [logits, outputs])

    def tapped(self, images: Array, offsets: Mapping[str, Array]) -> tuple[Array, dict[str, Array]]:
        """Logits, and the outputs of the nodes named, each with its offset added."""
        model = self._taps[tuple(offsets)]
        logits, outputs = model([images, *offsets.values()], training=False)
        return logits, outputs

    def resize(self, maps: Array, size: tuple[int, int]) -> Array:
        """Bilinear, half-pixel centres, no antialias: (N, h, w) to (N, H, W)."""
        if NAME == "tensorflow" and maps.dtype == "float64":
            # tf.image.resize always answers in float32.
            down, across = (
                _interpolation(maps.shape[1], size[0]),
                _interpolation(maps.shape[2], size[1]),
            )
            return ops.einsum("Hh,nhw,Ww->nHW", down, maps, across)
        images = ops.expand_dims(maps, -1)
        resized = ops.image.resize(
            images, size, interpolation="bilinear", antialias=False, data_format="channels_last"
        )
        return ops.squeeze(resized, -1)

    def with_relu(self, rule: str) -> Network:
        """The same variables behind ReLUs with another backward pass. Raises BadInput."""
        if rule not in RELU_RULES:
            raise BadInput(unknown("ReLU rule", rule, RELU_RULES))
        applied = dict(self.applied)
        for node in self.architecture.nodes:
            if node.kind in ("relu", "relu6"):
                function = BACKEND.relu(rule, 6.0 if node.kind == "relu6" else float("inf"))
                applied[node.name] = RuledRelu(function, dtype=self.dtype, name=node.name)
        return Network(self.architecture, self.precision, applied, self.functions, self.own)

    def apply(self, node: Node, inputs: Sequence[Array], kernel: Array | None = None) -> Array:
        """The output of a changed node for these inputs, by its own layers or another kernel."""
        model = self._alone[node.name]
        if kernel is None:
            return model(list(inputs), training=False)
        given = [(variable(self.own, f"{node.name}.kernel"), kernel)]
        if node["bias"]:
            bias = variable(self.own, f"{node.name}.bias")
            given.append((bias, ops.zeros(bias.shape, bias.dtype)))
        with keras.StatelessScope(given):
            return model(list(inputs), training=False)

    def with_nodes(self, functions: Mapping[str, NodeFunction]) -> Network:
        """The same variables, nodes of these kinds computed by other functions. Raises BadInput."""
        kinds.check(functions)
        changed = {**self.functions, **functions}
        return Network(self.architecture, self.precision, self.applied, changed, self.own)

    def _changed(self, node: Node) -> Apply:
        layer = ChangedNode(
            lambda inputs: self.functions[node.kind](self, node, inputs),
            self.architecture.shapes[node.name],
            dtype=self.dtype,
            name=node.name,
        )
        return lambda *inputs: layer(list(inputs))

    def _model_of(self, node: Node) -> Any:
        """A model of one node: what is called while tracing must not make operations, as pads."""
        inputs = [self._input(name, str(place)) for place, name in enumerate(node.inputs)]
        return _model(inputs, self.applied[node.name](*inputs))

    def gradient(
        self, function: Callable[[Any], Any], has_aux: bool = False
    ) -> Callable[[Any], Any]:
        """The gradient of a scalar function of an array, or of several by name: the backend's."""
        return BACKEND.gradient(function, has_aux=has_aux)

    def _input(self, node: str, place: str = "") -> Any:
        # No node has a dot in its name, and one may be called as Keras would call this.
        name = f"read{place}.{node}"
        return keras.Input(self.architecture.shapes[node], dtype=self.dtype, name=name)

    def _run(
        self,
        nodes: Sequence[Node],
        tensors: dict[str, Any],
        offsets: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        for node in nodes:
            applied = self.changed.get(node.name) or self.applied[node.name]
            tensors[node.name] = applied(*[tensors[name] for name in node.inputs])
            if offsets and node.name in offsets:
                tensors[node.name] = ops.add(tensors[node.name], offsets[node.name])
        return tensors


def _model(inputs: Any, outputs: Any) -> Any:
    """A functional model. Raises BadInput where a node is named like an operation of Keras' own."""
    try:
        return keras.Model(inputs, outputs)
    except ValueError as error:
        if "should be unique" not in str(error):
            raise
        told = str(error).partition(".")[0].replace("the model", "Keras' model")
        raise BadInput(f"{told}, where an operation has it too; rename the node") from error


def _interpolation(old: int, new: int) -> NDArray[np.float64]:
    """Bilinear interpolation along one axis, as a matrix (new, old)."""
    places = np.clip((np.arange(new) + 0.5) * (old / new) - 0.5, 0, old - 1)
    matrix: NDArray[np.float64] = np.maximum(1 - np.abs(places[:, None] - np.arange(old)), 0)
    return matrix
