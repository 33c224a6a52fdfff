"""What libraries of TensorFlow's ask of a Keras network."""

from __future__ import annotations

from typing import Any

from implementations.errors import Unavailable


def require_tensorflow(title: str, network: Any, layer: str) -> None:
    """Raise Unavailable where a library of TensorFlow's cannot read this Keras network's layer.

    Such a library asks a `tf.GradientTape` for the gradient, and a model's layer for its output by
    the layer's name.
    """
    from implementations.frameworks.keras.backends import NAME

    if NAME != "tensorflow":
        raise Unavailable(f"{title} works on TensorFlow only, and Keras is on {NAME} here")
    outputs = {own.name: own.output for own in network.model.layers}
    if outputs.get(layer) is not network.tensors[layer]:
        raise Unavailable(
            f"{title} finds a layer by its name, and {layer!r} is not the output of one Keras "
            "layer but of operations; choose another with --layer"
        )
