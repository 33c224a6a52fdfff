"""Every node as Keras layers and operations, channels last; ReLUs of another backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers

from implementations.architecture.kinds import KINDS
from implementations.architecture.node import Node, Shape
from implementations.arrays import Array

Apply = Callable[..., Any]
"""From the symbolic inputs of a node to its symbolic output. Applied again, it shares weights."""


class RuledRelu(layers.Layer):  # type: ignore[misc]
    """A ReLU with the backend's own function, which carries another backward pass."""

    def __init__(self, function: Callable[[Array], Array], **settings: Any) -> None:
        super().__init__(**settings)
        self.function = function

    def call(self, inputs: Array) -> Array:
        """The ReLU of the inputs."""
        return self.function(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Unchanged."""
        return input_shape


def make(node: Node, shape: Shape, dtype: str) -> Apply:
    """The layers of a node that reads an input of this shape (its first input's)."""
    made: Apply = KINDS[node.kind].builder("keras")(node, shape, dtype)
    return made
