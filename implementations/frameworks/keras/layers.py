"""Every kind of node as Keras layers and operations, channels last.

Keras pools and convolves with `same` or `valid` padding only, so any other padding is an operation
before the layer: zeros for a convolution and an average, minus infinity for a maximum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from implementations.architecture.graph import Node, Shape
from implementations.architecture.shapes import Window, window
from implementations.arrays import Array
from implementations.frameworks.keras.backends import NAME

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
    return _MAKERS[node.kind](node, shape, dtype)


def _pad(pads: Any, channels: tuple[int, int] = (0, 0), value: float = 0.0) -> Apply:
    width = ((0, 0), *pads, channels)
    if not np.any(width):
        return lambda inputs: inputs
    return lambda inputs: ops.pad(inputs, width, constant_values=value)


def _conv(node: Node, shape: Shape, dtype: str) -> Apply:
    place = window(node, shape)
    same = place == window(replace(node, settings={**node.settings, "padding": "same"}), shape)
    # No backend convolves with a stride and a dilation at once: keep every s-th position instead.
    thinned = max(place.stride) > 1 and max(place.dilation) > 1
    layer: Apply = layers.Conv2D(
        node["filters"],
        place.kernel,
        strides=1 if thinned else place.stride,
        padding="same" if same and not thinned else "valid",
        dilation_rate=place.dilation,
        groups=node["groups"],
        use_bias=node["bias"],
        kernel_initializer="zeros",
        dtype=dtype,
        name=node.name,
    )
    if same and not thinned:
        return layer
    pad, (down, right) = _pad(place.pads), place.stride
    if thinned:
        return lambda inputs: layer(pad(inputs))[:, ::down, ::right, :]
    return lambda inputs: layer(pad(inputs))


class Dense(layers.Dense):  # type: ignore[misc]
    """On PyTorch the kernel (in, out) lies in memory as PyTorch's own does, (out, in).

    The product that this makes is the one `torch.nn.Linear` has; the other is as fast, but of long
    rows on some CPUs, and of one image on all, several times less exact.
    """

    def build(self, input_shape: Any) -> None:
        """Make the variables."""
        super().build(input_shape)
        if NAME == "torch":
            held = self.kernel.value
            held.data = held.data.T.contiguous().T


def _dense(node: Node, shape: Shape, dtype: str) -> Apply:
    layer: Apply = Dense(
        node["units"],
        use_bias=node["bias"],
        kernel_initializer="zeros",
        dtype=dtype,
        name=node.name,
    )
    return layer


def _batch_norm(node: Node, shape: Shape, dtype: str) -> Apply:
    layer: Apply = layers.BatchNormalization(
        momentum=node["momentum"], epsilon=node["epsilon"], dtype=dtype, name=node.name
    )
    return layer


def _max_pool(node: Node, shape: Shape, dtype: str) -> Apply:
    place = window(node, shape)
    pad = _pad(place.pads, value=float("-inf"))
    pool = layers.MaxPooling2D(place.kernel, place.stride, "valid", dtype=dtype, name=node.name)
    return lambda inputs: pool(pad(inputs))


def _average_pool(node: Node, shape: Shape, dtype: str) -> Apply:
    place = window(node, shape)
    pad, cells = _pad(place.pads), _cells(node, shape, place)
    pool = layers.AveragePooling2D(place.kernel, place.stride, "valid", dtype=dtype, name=node.name)
    if (cells == np.prod(place.kernel)).all():
        return lambda inputs: pool(pad(inputs))
    share = ops.convert_to_tensor(np.prod(place.kernel) / cells, dtype)
    return lambda inputs: ops.multiply(pool(pad(inputs)), share)


def _cells(node: Node, shape: Shape, place: Window) -> NDArray[np.float64]:
    """Cells that each average is over, (1, h, w, 1): what ceil rounding adds never counts."""
    counted = np.zeros((shape[0] + sum(place.pads[0]), shape[1] + sum(place.pads[1])))
    (top, _), (left, _) = place.pads
    counted[top : top + shape[0], left : left + shape[1]] = 1
    if node["count_padding"] and node["padding"] != "valid":
        given = place.pads if node["padding"] == "same" else node["padding"]
        counted[: top + shape[0] + given[0][1], : left + shape[1] + given[1][1]] = 1
    views = np.lib.stride_tricks.sliding_window_view(counted, place.kernel)
    down, right = place.stride
    cells: NDArray[np.float64] = views[::down, ::right].sum(axis=(2, 3))
    return cells[: place.size[0], : place.size[1]][None, :, :, None]


def _normalise(node: Node, shape: Shape, dtype: str) -> Apply:
    mean = ops.convert_to_tensor(np.array(node["mean"]), dtype)
    deviation = ops.convert_to_tensor(np.array(node["deviation"]), dtype)
    order = node["order"]

    def apply(inputs: Any) -> Any:
        if order is not None:
            inputs = ops.concatenate([inputs[..., c : c + 1] for c in order], axis=-1)
        return ops.divide(ops.subtract(inputs, mean), deviation)

    return apply


_MAKERS: dict[str, Callable[[Node, Shape, str], Apply]] = {
    "conv": _conv,
    "dense": _dense,
    "batch_norm": _batch_norm,
    "relu": lambda node, shape, dtype: layers.ReLU(dtype=dtype, name=node.name),
    "relu6": lambda node, shape, dtype: layers.ReLU(6.0, dtype=dtype, name=node.name),
    "max_pool": _max_pool,
    "average_pool": _average_pool,
    "global_average_pool": lambda node, shape, dtype: layers.GlobalAveragePooling2D(
        dtype=dtype, name=node.name
    ),
    "flatten": lambda node, shape, dtype: layers.Flatten(dtype=dtype, name=node.name),
    "dropout": lambda node, shape, dtype: layers.Dropout(
        node["rate"], seed=0, dtype=dtype, name=node.name
    ),
    "add": lambda node, shape, dtype: _joined(layers.Add(dtype=dtype, name=node.name)),
    "concat": lambda node, shape, dtype: _joined(
        layers.Concatenate(axis=-1, dtype=dtype, name=node.name)
    ),
    "pad": lambda node, shape, dtype: _pad(node["spatial"], node["channels"]),
    "normalise": _normalise,
}


def _joined(layer: keras.layers.Layer) -> Apply:
    return lambda *inputs: layer(list(inputs))
