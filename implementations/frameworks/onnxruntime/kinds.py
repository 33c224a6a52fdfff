"""Every kind of node as the operators of ONNX that an import reads it from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.node import Node, Shape
from implementations.architecture.window import window
from implementations.arrays import Weights


class Writer:
    """The operators and initializers so far; every value of ours lies as (batch, channels, ...)."""

    def __init__(self, shapes: dict[str, Shape], weights: Weights) -> None:
        self.shapes, self.weights = shapes, weights
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def op(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """An operator that gives `output`."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, values: Any, dtype: Any = np.float32) -> str:
        """An initializer."""
        self.constants[name] = np.asarray(values, dtype, order="C")
        return name

    def weight(self, node: Node, part: str, order: tuple[int, ...] = ()) -> str:
        """A tensor of a node, its axes in another order."""
        values = np.asarray(self.weights[f"{node.name}.{part}"])
        return self.constant(f"{node.name}.{part}", values.transpose(order) if order else values)


Write = Callable[[Writer, Node, list[str]], Any]


def _padding(write: Writer, node: Node) -> dict[str, Any]:
    """As it is asked for; in numbers where it is dilated, as onnxruntime knows no other way."""
    pads = node["padding"]
    if pads == "same" and max(node.settings.get("dilation", (1,))) > 1:
        pads = window(node, write.shapes[node.inputs[0]]).pads
    if isinstance(pads, str):
        return {"auto_pad": "SAME_UPPER" if pads == "same" else "VALID"}
    (top, bottom), (left, right) = pads
    return {"pads": [top, left, bottom, right]}


def _conv(write: Writer, node: Node, inputs: list[str]) -> None:
    weights = [write.weight(node, "kernel", (3, 2, 0, 1))]
    weights += [write.weight(node, "bias")] if node["bias"] else []
    write.op(
        "Conv", inputs + weights, node.name, kernel_shape=[*node["kernel"]],
        strides=[*node["stride"]], dilations=[*node["dilation"]], group=node["groups"],
        **_padding(write, node),
    )  # fmt: skip


def _pool(write: Writer, node: Node, inputs: list[str]) -> None:
    average = node.kind == "average_pool"
    more = {"count_include_pad": int(node["count_padding"])} if average else {}
    write.op(
        "AveragePool" if average else "MaxPool", inputs, node.name, kernel_shape=[*node["size"]],
        strides=[*node["stride"]], ceil_mode=int(node["rounding"] == "ceil"), **more,
        **_padding(write, node),
    )  # fmt: skip


def _batch_norm(write: Writer, node: Node, inputs: list[str]) -> None:
    parts = [write.weight(node, part) for part in ("scale", "offset", "mean", "variance")]
    write.op(
        "BatchNormalization", inputs + parts, node.name, epsilon=node["epsilon"],
        momentum=node["momentum"],
    )  # fmt: skip


def _dense(write: Writer, node: Node, inputs: list[str]) -> None:
    weights = [write.weight(node, "kernel")]
    weights += [write.weight(node, "bias")] if node["bias"] else []
    write.op("Gemm", inputs + weights, node.name)


def _flatten(write: Writer, node: Node, inputs: list[str]) -> None:
    read = inputs[0]
    if len(write.shapes[node.inputs[0]]) == 3:
        read = write.op("Transpose", inputs, f"{node.name}/last", perm=[0, 2, 3, 1])
    write.op("Flatten", [read], node.name)


def _global_average_pool(write: Writer, node: Node, inputs: list[str]) -> None:
    write.op("Flatten", [write.op("GlobalAveragePool", inputs, f"{node.name}/mean")], node.name)


def _normalise(write: Writer, node: Node, inputs: list[str]) -> None:
    read = inputs[0]
    if node["order"] is not None:
        order = write.constant(f"{node.name}/order", node["order"], np.int64)
        read = write.op("Gather", [read, order], f"{node.name}/ordered", axis=1)
    mean, deviation = (
        write.constant(f"{node.name}/{part}", np.reshape(node[part], (1, -1, 1, 1)))
        for part in ("mean", "deviation")
    )
    centred = write.op("Sub", [read, mean], f"{node.name}/centred")
    write.op("Div", [centred, deviation], node.name)


def _pad(write: Writer, node: Node, inputs: list[str]) -> None:
    (top, bottom), (left, right) = node["spatial"]
    before, after = node["channels"]
    pads = write.constant(
        f"{node.name}/pads", [0, before, top, left, 0, after, bottom, right], np.int64
    )
    write.op("Pad", [*inputs, pads], node.name)


def _sliced(write: Writer, node: Node, inputs: list[str], ranges: dict[int, Any]) -> None:
    starts, ends = zip(*ranges.values(), strict=True)
    bounds = [
        write.constant(f"{node.name}/{name}", values, np.int64)
        for name, values in (("starts", starts), ("ends", ends), ("axes", [*ranges]))
    ]
    write.op("Slice", inputs + bounds, node.name)


def _channels(write: Writer, node: Node, inputs: list[str]) -> None:
    _sliced(write, node, inputs, {1: (node["start"], node["stop"])})


def _crop(write: Writer, node: Node, inputs: list[str]) -> None:
    height, width, _ = write.shapes[node.inputs[0]]
    (top, bottom), (left, right) = node["spatial"]
    _sliced(write, node, inputs, {2: (top, height - bottom), 3: (left, width - right)})


def _multiply(write: Writer, node: Node, inputs: list[str]) -> None:
    first, second = node.inputs
    if len(write.shapes[first]) != len(write.shapes[second]):
        axes = write.constant(f"{node.name}/axes", [2, 3], np.int64)
        inputs = [inputs[0], write.op("Unsqueeze", [inputs[1], axes], f"{node.name}/gate")]
    write.op("Mul", inputs, node.name)


def _silu(write: Writer, node: Node, inputs: list[str]) -> None:
    opened = write.op("Sigmoid", inputs, f"{node.name}/sigmoid")
    write.op("Mul", [*inputs, opened], node.name)


def _relu6(write: Writer, node: Node, inputs: list[str]) -> None:
    bounds = [write.constant(f"{node.name}/{n}", n) for n in (0.0, 6.0)]
    write.op("Clip", inputs + bounds, node.name)


def _dropout(write: Writer, node: Node, inputs: list[str]) -> None:
    write.op("Dropout", [*inputs, write.constant(f"{node.name}/rate", node["rate"])], node.name)


def _hard_sigmoid(write: Writer, node: Node, inputs: list[str]) -> None:
    write.op("HardSigmoid", inputs, node.name, alpha=node["slope"], beta=node["offset"])


def _layer_norm(write: Writer, node: Node, inputs: list[str]) -> None:
    spatial = len(write.shapes[node.name]) == 3
    read = inputs[0]
    if spatial:
        read = write.op("Transpose", inputs, f"{node.name}/last", perm=[0, 2, 3, 1])
    weights = [write.weight(node, part) for part in ("scale", "offset")]
    made = f"{node.name}/normed" if spatial else node.name
    write.op("LayerNormalization", [read, *weights], made, axis=-1, epsilon=node["epsilon"])
    if spatial:
        write.op("Transpose", [made], node.name, perm=[0, 3, 1, 2])


def _local_response_norm(write: Writer, node: Node, inputs: list[str]) -> None:
    write.op("LRN", inputs, node.name, **node.settings)


def _leaky_relu(write: Writer, node: Node, inputs: list[str]) -> None:
    write.op("LeakyRelu", inputs, node.name, alpha=node["slope"])


def _gelu(write: Writer, node: Node, inputs: list[str]) -> None:
    write.op("Gelu", inputs, node.name, approximate="tanh" if node["approximate"] else "none")


def _plain(kind: str, **attributes: Any) -> Write:
    """What one operator computes, without weights."""
    return lambda write, node, inputs: write.op(kind, inputs, node.name, **attributes)


KINDS: dict[str, Write] = {
    "add": _plain("Sum"), "average_pool": _pool, "batch_norm": _batch_norm, "channels": _channels,
    "concat": _plain("Concat", axis=1), "conv": _conv, "crop": _crop, "dense": _dense,
    "dropout": _dropout, "flatten": _flatten, "gelu": _gelu,
    "global_average_pool": _global_average_pool, "layer_norm": _layer_norm,
    "leaky_relu": _leaky_relu, "local_response_norm": _local_response_norm,
    "hard_sigmoid": _hard_sigmoid, "hard_swish": _plain("HardSwish"), "max_pool": _pool,
    "multiply": _multiply, "normalise": _normalise, "pad": _pad, "relu": _plain("Relu"),
    "relu6": _relu6, "sigmoid": _plain("Sigmoid"), "silu": _silu, "subtract": _plain("Sub"),
}  # fmt: skip
"""Kind of node -> what writes it."""
