"""A host of a chain of nodes as the lines of a file that needs Keras alone."""

from __future__ import annotations

from itertools import pairwise

from implementations.architecture.graph import Architecture
from implementations.architecture.node import Node
from implementations.arrays import Floats, Weights
from implementations.errors import Unavailable
from implementations.frameworks.hosts import Source, literal
from implementations.frameworks.keras.hosts import make

ENDS = {
    "frozen": "model.trainable = False",
    "jit": 'model.compile(optimizer="sgd", loss="mse", jit_compile=True)',
}


def source(
    name: str, architecture: Architecture, weights: Weights, images: Floats, node: str
) -> Source:
    """The lines that make `model`, `layer` and `images`. Raises Unavailable for no chain."""
    nodes = architecture.nodes
    if any(after.inputs != (before.name,) for before, after in pairwise(nodes)):
        raise Unavailable("a network with joins is no chain of layers")
    if name in ("fused", "channels_first"):
        raise Unavailable(f"{name} layers are not spelled out")
    held = make("plain", architecture, weights).model
    values = ", ".join(literal(each.numpy()) for each in held.weights)
    dtype = "float64" if name == "float64" else "float32"
    layers = [_spelled(each, held) for each in nodes]
    layers += ["keras.layers.Softmax()"] if name == "softmax" else []
    run = ["for each in layers:", "    x = each(x)", "model = keras.Model(inputs, x)"]
    if name == "nested":
        inner = [each.name for each in nodes if each.kind == "relu"][-1]
        count = [each.name for each in nodes].index(inner) + 1
        run = [
            f"for each in layers[:{count}]:", "    x = each(x)",
            "body = keras.Model(inputs, x)", "outer = keras.Input(inputs.shape[1:])",
            "x = body(outer)", f"for each in layers[{count}:]:", "    x = each(x)",
            "model = keras.Model(outer, x)",
        ]  # fmt: skip
    elif name == "sequential":
        run = ["model = keras.Sequential([inputs, *layers])"]
    return Source(
        'import os\nos.environ["KERAS_BACKEND"] = "tensorflow"\nimport keras\nimport numpy',
        [
            f'keras.config.set_floatx("{dtype}")' if dtype != "float32" else "",
            f"layers = [{', '.join(layers)}]",
            f"x = inputs = keras.Input({architecture.input_shape})",
            *run,
            f"values = [{values}]",
            "for variable, value in zip(model.weights, values):",
            "    variable.assign(numpy.reshape(value, variable.shape))",
            f'layer = "{node}"',
            f'images = numpy.reshape({literal(images)}, {images.shape}).astype("{dtype}")',
            ENDS.get(name, ""),
        ],
        "found = numpy.asarray(found)",
    )


def _spelled(node: Node, held: object) -> str:
    layer = held.get_layer(node.name)  # type: ignore[attr-defined]
    told = layer.get_config()
    kept = {
        "Conv2D": ("filters", "kernel_size", "strides", "padding"), "Dense": ("units",),
        "MaxPooling2D": ("pool_size", "strides", "padding"), "ReLU": (), "Flatten": (),
        "BatchNormalization": ("epsilon",), "Dropout": ("rate",), "GlobalAveragePooling2D": (),
    }  # fmt: skip
    kind = type(layer).__name__
    if kind not in kept:
        raise Unavailable(f"a {kind} is not spelled out")
    given = ", ".join(f"{each}={told[each]!r}" for each in (*kept[kind], "name"))
    return f"keras.layers.{kind}({given})"
