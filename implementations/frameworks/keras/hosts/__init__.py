"""Keras: a network as users write one, and what they do to it before they explain it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, cast

import keras
import numpy as np
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture, cut
from implementations.architecture.window import window
from implementations.arrays import Array, Weights
from implementations.contract import Framework
from implementations.errors import Unavailable
from implementations.frameworks.hosts import Host
from implementations.frameworks.keras import runtime
from implementations.frameworks.keras.layers import make as made
from implementations.frameworks.keras.network import Network
from implementations.frameworks.keras.weights import VARIABLES

HOSTS = {
    "plain": "a functional model, a layer a node",
    "fused": "activations inside the layers before them",
    "softmax": "the model ends in a softmax",
    "sequential": "a keras.Sequential",
    "nested": "a model in the model: all up to the layer is one of its layers",
    "frozen": "trainable = False",
    "jit": "compiled with jit_compile=True before the library sees it",
    "channels_first": "layers whose maps are (N, C, H, W)",
    "float64": "double precision",
}
LAYERLESS = ()


class Outputs(dict[str, Any]):
    """The outputs of a model's layers, by name; None of what is no layer of it."""

    def __missing__(self, name: str) -> None:
        return None


class Held:
    """What a library's builder of ours reads of a network, of a user's own model."""

    device = "cpu"

    def __init__(self, model: Any, architecture: Architecture, precision: str) -> None:
        self.model, self.architecture = model, architecture
        self.precision = self.dtype = precision
        self.tensors = Outputs({layer.name: layer.output for layer in model.layers})

    def __call__(self, images: Array) -> Array:
        """The model's output (N, K)."""
        return self.model(images, training=False)

    def score(self, name: str, logits: Array, targets: Array) -> Array:
        """The output of a class (N,)."""
        return Network.score(cast(Network, self), name, logits, targets)


def make(name: str, architecture: Architecture, weights: Weights) -> Host:
    """A host by name. Raises Unavailable where it cannot be had here."""
    if name == "channels_first":
        raise Unavailable("TensorFlow convolves maps with channels first on a GPU alone")
    precision = "float64" if name == "float64" else "float32"
    layers, fused = _layers(architecture, precision, name == "fused")
    model = _model(name, architecture, layers, precision)
    _assign(layers, weights)
    if name == "frozen":
        model.trainable = False
    elif name == "jit":
        model.compile(optimizer="sgd", loss="mse", jit_compile=True)
    network = Held(model, architecture, precision)

    def put(images: NDArray[Any], targets: NDArray[Any]) -> tuple[Array, Array]:
        placed: tuple[Array, Array] = runtime.put(cast(Network, network), images, targets)
        return placed

    def layer(node: str) -> str:
        return fused.get(node, node)

    return Host(
        name, model, network, cast(Framework, runtime), layer, put, nullcontext, network,
        scores="probability" if name == "softmax" else "logit", precision=precision, named=layer,
    )  # fmt: skip


Applied = dict[str, Callable[..., Any]]


def _layers(architecture: Architecture, dtype: str, fuse: bool) -> tuple[Applied, dict[str, str]]:
    """What makes each node, and the ReLUs that are inside a convolution, with its name."""
    shapes = architecture.shapes
    found: Applied = {}
    fused: dict[str, str] = {}
    for node in architecture.nodes:
        read = shapes[node.inputs[0]]
        applied = made(node, read, dtype)
        if node.kind == "conv" and not np.any(window(node, read).pads):
            applied = _owner(applied)  # nothing is padded before it: a user has the layer alone
        before = architecture[node.inputs[0]] if node.inputs[0] != "input" else None
        if fuse and node.kind == "relu" and before is not None and before.kind == "conv":
            fused[node.name] = before.name
            _owner(found[before.name]).activation = keras.activations.relu
            applied = lambda inputs: inputs  # noqa: E731
        found[node.name] = applied
    return found, fused


def _model(name: str, architecture: Architecture, layers: Applied, dtype: str) -> Any:
    images = keras.Input(architecture.input_shape, dtype=dtype, name="images")
    if name == "sequential":
        chain = [layers[node.name] for node in architecture.nodes]
        follows = zip(architecture.nodes, architecture.nodes[1:], strict=False)
        if not all(isinstance(each, keras.layers.Layer) for each in chain) or any(
            after.inputs != (node.name,) for node, after in follows
        ):
            raise Unavailable("a network with joins or pads of its own is no keras.Sequential")
        return keras.Sequential([images, *chain])
    tensors = {"input": images}
    inner = ""
    if name == "nested":
        relus = [node.name for node in architecture.nodes if node.kind == "relu"]
        if not relus:
            raise Unavailable("no ReLU at which the inner model could end")
        inner = relus[-1]
        features = cut(architecture, inner)
        if features.rest:
            raise Unavailable("what reads past the layer cannot be a model of its own")
        _run(layers, features.features, tensors)
        body = keras.Model(images, tensors[inner], name="body")
        images = keras.Input(architecture.input_shape, dtype=dtype, name="pictures")
        tensors = {inner: body(images)}
        nodes = features.head
    else:
        nodes = architecture.nodes
    _run(layers, nodes, tensors)
    logits = tensors[architecture.output]
    if name == "softmax":
        logits = keras.layers.Softmax(dtype=dtype, name="probabilities")(logits)
    return keras.Model(images, logits)


def _run(layers: Applied, nodes: Any, tensors: dict[str, Any]) -> None:
    for node in nodes:
        tensors[node.name] = layers[node.name](*[tensors[name] for name in node.inputs])


def _assign(layers: Applied, weights: Weights) -> None:
    for name, value in weights.items():
        node, part = name.split(".")
        held = getattr(_owner(layers[node]), VARIABLES.get(part, part))
        held.assign(keras.ops.cast(value, held.dtype))


def _owner(applied: Callable[..., Any]) -> Any:
    """The layer that has a node's weights: itself, or that which a function of ours closes over."""
    if isinstance(applied, keras.layers.Layer):
        return applied
    closed = [cell.cell_contents for cell in applied.__closure__ or ()]
    return next(each for each in closed if isinstance(each, keras.layers.Layer))
