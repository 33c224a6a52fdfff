"""Every node as Keras layers and operations, channels last; ReLUs of another backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import KerasTensor, layers

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


class ChangedNode(layers.Layer):  # type: ignore[misc]
    """A node of other functions than its kind's: (inputs) -> output of the shape (..., *shape)."""

    def __init__(
        self, function: Callable[[list[Array]], Array], shape: Shape, **settings: Any
    ) -> None:
        super().__init__(**settings)
        self.function, self.shape = function, shape

    def call(self, inputs: list[Array]) -> Array:
        """The function of the inputs."""
        return self.function(inputs)

    def compute_output_spec(self, inputs: list[Any]) -> Any:
        """Known without a trial run, in which some backends know no batch."""
        return KerasTensor((inputs[0].shape[0], *self.shape), self.compute_dtype)


def make(node: Node, shape: Shape, dtype: str) -> Apply:
    """The layers of a node that reads an input of this shape (its first input's)."""
    made: Apply = KINDS[node.kind].builder("keras")(node, shape, dtype)
    return made
