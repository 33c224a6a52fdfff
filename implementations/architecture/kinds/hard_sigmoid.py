"""min(max(slope x + offset, 0), 1), element by element: a sigmoid of three lines.

By default slope 1/6 and offset 1/2, so that it bends at -3 and at 3, as MobileNetV3 has it (Howard
et al. 2019, arXiv 1905.02244); 1/5 is ONNX' own default, and old Keras'. At both corners the
gradient is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import LARGEST, SMALLEST, Setting, number
from implementations.arrays import Array, Floats, Tensors

ROLE = "activation"
CURVED = True
SETTINGS = {
    "slope": Setting("a number above 0, in float32 too", number(SMALLEST), 1 / 6),
    "offset": Setting("a finite number", number(-LARGEST), 0.5),
}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """Unchanged."""
    return inputs[0]


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """The line, cut off at 0 and 1."""
    opened: Floats = np.clip(inputs[0] * node["slope"] + node["offset"], 0.0, 1.0)
    return opened


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """The slope between the corners."""
    line = inputs[0] * node["slope"] + node["offset"]
    return [gradient * node["slope"] * ((line > 0) & (line < 1))]


def _corners(node: Node) -> tuple[float, float]:
    return (0 - node["offset"]) / node["slope"], (1 - node["offset"]) / node["slope"]


def gaps(node: Node, read: Floats) -> Floats:
    """How far from the nearer corner that it is not at."""
    distances = [np.abs(read - corner) for corner in _corners(node)]
    nearest: Floats = np.min([np.where(gap > 0, gap, np.inf) for gap in distances], axis=0)
    return nearest


def contenders(node: Node, read: Floats, slack: Floats) -> NDArray[np.bool_]:
    """Which values are within the slack of a corner."""
    near: NDArray[np.bool_] = np.any(
        [np.abs(read - corner) <= slack for corner in _corners(node)], axis=0
    )
    return near


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function: a ReLU6 of six times the line, as `jax.nn.hard_sigmoid` of the default one."""
    from jax import nn

    slope, offset = 6 * node["slope"], 6 * node["offset"]
    return lambda x: nn.relu6(x * slope + offset) / 6


def pytorch(node: Node, read: Shape) -> Any:
    """A module; the library's own has a slope of 1/6 that is float32's in every precision."""
    from torch import nn
    from torch.nn import functional

    class HardSigmoid(nn.Module):  # type: ignore[misc]
        """The line, cut off at 0 and 1."""

        def forward(self, x: Array) -> Array:
            """Cut off, with a gradient of 0 at both corners."""
            return functional.hardtanh(x * node["slope"] + node["offset"], 0.0, 1.0)

    return HardSigmoid()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """A layer: a ReLU6 of six times the line, as Keras' own has it of the default one.

    As operations by themselves they would be called `relu6`, as a node may be.
    """
    import keras as library
    from keras import ops

    slope, offset = 6 * node["slope"], 6 * node["offset"]

    class HardSigmoid(library.layers.Layer):  # type: ignore[misc]
        """The line, cut off at 0 and 1."""

        def call(self, inputs: Array) -> Array:
            """Cut off, with a gradient of 0 at both corners."""
            return ops.divide(ops.relu6(ops.add(ops.multiply(inputs, slope), offset)), 6.0)

        def compute_output_shape(self, input_shape: Any) -> Any:
            """Unchanged."""
            return input_shape

    return HardSigmoid(dtype=dtype, name=node.name)
