"""Matrix products and norms."""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.importers.onnx.axes import CHANNELS, HEIGHT, WIDTH, length, whole
from implementations.importers.onnx.draft import Refusal, per_channel
from implementations.importers.onnx.file import Op
from implementations.importers.onnx.values import Value, as_vector, features
from implementations.importers.onnx.walk import Known, Walk, rule


def _dense(walk: Walk, op: Op, value: Value, kernel: Any, bias: Any) -> list[Known]:
    """A dense node: rows in the order of our vector."""
    if len(value.axes) == 2 and kernel.shape[:1] != (size := length(value.axes[1]),):
        raise Refusal(f"its kernel of {kernel.shape} does not fit {size} features")
    node, order = features(walk.network, value, op.name)
    if kernel.ndim != 2:
        raise Refusal(f"its kernel of {kernel.shape} is no matrix")
    rows = np.empty(kernel.shape, kernel.dtype)  # as it is kept: a transposed one is copied again
    rows[order] = kernel
    units = kernel.shape[1]
    tensors = {"kernel": rows} if bias is None else {"kernel": rows, "bias": bias}
    settings = {"units": units, "bias": bias is not None}
    made = walk.network.add("dense", [node], settings, tensors, op.name)
    return [as_vector(made, units, value.batch)]


@rule("Gemm")
def gemm(walk: Walk, op: Op) -> list[Known]:
    """Alpha A B + beta C."""
    if op.get("transA", 0):
        raise Refusal("its input is transposed (transA)")
    kernel = walk.weights(op, 1)
    kernel = kernel.T if op.get("transB", 0) else kernel
    alpha, beta = op.get("alpha", 1.0), op.get("beta", 1.0)
    kernel = kernel if alpha == 1 else kernel * np.asarray(alpha, kernel.dtype)
    bias = walk.constant(op, 2)
    if bias is not None:
        if bias.size not in (1, kernel.shape[-1]):
            raise Refusal("its bias is not one number a feature")
        bias = per_channel(np.ravel(bias) if bias.size != 1 else bias.item(), kernel.shape[-1])
        bias = bias * beta
    return _dense(walk, op, walk.value(op), kernel, bias)


@rule("MatMul")
def matmul(walk: Walk, op: Op) -> list[Known]:
    """A dense node; over the channels of a map (batch, height, width, channels) a 1 x 1 conv."""
    value, kernel = walk.value(op), walk.weights(op, 1)
    if len(value.axes) == 2:
        return _dense(walk, op, value, kernel, None)
    height, width, channels = value.shape if len(value.shape) == 3 else (0, 0, 0)
    places = (whole(HEIGHT, height), whole(WIDTH, width), whole(CHANNELS, channels))
    if value.axes != (value.batch, *places) or kernel.ndim != 2 or len(kernel) != channels:
        raise Refusal("a product of more than (batch, features) is not known here")
    filters = kernel.shape[1]
    settings = {"filters": filters, "kernel": 1, "padding": "valid", "bias": False}
    made = walk.network.add("conv", [value.node], settings, {"kernel": kernel[None, None]}, op.name)
    return [
        Value(made, (height, width, filters), (value.batch, *places[:2], whole(CHANNELS, filters)))
    ]


@rule("BatchNormalization")
def batch_norm(walk: Walk, op: Op) -> list[Known]:
    """With the averages kept."""
    if op.get("training_mode", 0) or op.get("is_test", 1) == 0:
        raise Refusal("the network was exported while training; call model.eval() before")
    value = walk.value(op)
    parts = [walk.weights(op, n) for n in range(1, 5)]
    if len(value.axes) < 2 or op.get("spatial", 1) == 0:
        raise Refusal("a norm of each place by itself")
    axis = value.axes[1]
    if axis != whole(CHANNELS, value.channels) or any(p.size != value.channels for p in parts):
        raise Refusal("its input does not lie as (batch, channels, ...); try --layout")
    if (parts[3] < 0).any():
        raise Refusal("it has a variance below 0")
    names = ("scale", "offset", "mean", "variance")
    tensors = {name: part.ravel() for name, part in zip(names, parts, strict=True)}
    settings = {"epsilon": op.get("epsilon", 1e-5), "momentum": op.get("momentum", 0.9)}
    made = walk.network.add("batch_norm", [value.node], settings, tensors, op.name)
    return [Value(made, value.shape, value.axes)]


@rule("LayerNormalization")
def layer_norm(walk: Walk, op: Op) -> list[Known]:
    """Over the channels of each position, which must be the last axis."""
    value = walk.value(op)
    scale, offset = walk.weights(op, 1), walk.constant(op, 2)
    last = value.positive(op.get("axis", -1)) == len(value.axes) - 1
    if not last or value.axes[-1] != whole(CHANNELS, value.channels):
        raise Refusal("a norm over other axes than the channels")
    if any(name for name in op.outputs[1:]):
        raise Refusal("it gives its means too")
    zeros = np.zeros(value.channels, np.float32)
    tensors = {
        "scale": per_channel(scale.ravel(), value.channels),
        "offset": per_channel((zeros if offset is None else offset).ravel(), value.channels),
    }
    settings = {"epsilon": op.get("epsilon", 1e-5)}
    made = walk.network.add("layer_norm", [value.node], settings, tensors, op.name)
    return [Value(made, value.shape, value.axes)]


@rule("LRN")
def local_response_norm(walk: Walk, op: Op) -> list[Known]:
    """AlexNet's."""
    value = walk.value(op)
    if not value.is_map() or value.axes[1] != whole(CHANNELS, value.channels):
        raise Refusal("its input does not lie as (batch, channels, ...); try --layout")
    defaults = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0}
    settings = {name: op.get(name, number) for name, number in defaults.items()}
    settings["size"] = op.get("size", 0)
    made = walk.network.add("local_response_norm", [value.node], settings, origin=op.name)
    return [Value(made, value.shape, value.axes)]
