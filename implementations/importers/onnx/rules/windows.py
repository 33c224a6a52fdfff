"""Convolutions, pools and means over the map."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from implementations.importers.onnx.axes import CHANNELS, HEIGHT, WIDTH, whole
from implementations.importers.onnx.draft import Refusal
from implementations.importers.onnx.file import Op
from implementations.importers.onnx.values import Value, as_map, as_point, as_vector, ordered
from implementations.importers.onnx.walk import Known, Walk, rule


def _map(walk: Walk, op: Op) -> Value:
    """The input as (batch, channels, height, width), channels in order. Raises Refusal."""
    value = walk.value(op)
    if len(value.axes) != 4:
        raise Refusal(f"it reads {len(value.axes) - 2} axes of space; images have 2")
    if not value.is_map():
        raise Refusal(
            "its input does not lie as (batch, channels, height, width); "
            "try --layout, or export with another backend"
        )
    return ordered(walk.network, value, 1, op.name)


def _auto(op: Op) -> str:
    """How it is padded. Raises Refusal for a word that is none of ONNX's."""
    auto = op.get("auto_pad", "NOTSET")
    if auto not in ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"):
        raise Refusal(f"its auto_pad {auto!r} is none of ONNX's; export it with pads")
    return str(auto)


def _padding(op: Op, kernel: list[int], value: Value) -> Any:
    """'same', 'valid' or [[top, bottom], [left, right]]."""
    auto = _auto(op)
    if auto == "SAME_UPPER":
        return "same"
    if auto == "VALID":
        return "valid"
    if auto == "SAME_LOWER":
        strides, found = op.get("strides", [1, 1]), []
        dilations = op.get("dilations", [1, 1])
        for size, window, stride, dilation in zip(
            value.shape[:2], kernel, strides, dilations, strict=True
        ):
            span = (window - 1) * dilation + 1
            total = max((math.ceil(size / stride) - 1) * stride + span - size, 0)
            found.append([total - total // 2, total // 2])
        return found
    pads = op.get("pads", [0, 0, 0, 0])
    if len(pads) != 4 or min(pads) < 0:
        raise Refusal(f"its padding {pads} is not known here")
    return [[pads[0], pads[2]], [pads[1], pads[3]]] if any(pads) else "valid"


def _pair(op: Op, attribute: str) -> list[int]:
    held = op.get(attribute, [1, 1])
    if not isinstance(held, list) or len(held) != 2:
        raise Refusal(f"its {attribute} are not two")
    return held


@rule("Conv")
def conv(walk: Walk, op: Op) -> list[Known]:
    """A convolution; over a vector that is dressed as a map, a dense node."""
    value, kernel = walk.value(op), walk.weights(op, 1)
    bias = walk.constant(op, 2)
    _auto(op)
    if kernel.ndim != 4:
        raise Refusal(f"a convolution over {kernel.ndim - 2} axes; images have 2")
    filters, read, *size = kernel.shape
    groups = op.get("group", 1)
    if op.get("kernel_shape", size) != size:
        raise Refusal("its kernel is of another size than it says")
    if groups < 1 or read * groups != value.channels:
        raise Refusal(
            f"its kernel reads {read * groups} channels, not {value.channels}; try --layout"
        )
    tensors = {} if bias is None else {"bias": bias}
    if value.is_point() and size == [1, 1] and groups == 1 and not any(op.get("pads", [0])):
        tensors["kernel"] = kernel[:, :, 0, 0].T
        settings: dict[str, Any] = {"units": filters, "bias": bias is not None}
        order = ordered(walk.network, value, 1, op.name)
        made = walk.network.add("dense", [order.node], settings, tensors, op.name)
        return [as_point(made, filters, value.batch)]
    value = _map(walk, op)
    tensors["kernel"] = kernel.transpose(2, 3, 1, 0)
    settings = {
        "filters": filters, "kernel": size, "stride": _pair(op, "strides"),
        "dilation": _pair(op, "dilations"), "groups": groups, "bias": bias is not None,
        "padding": _padding(op, size, value),
    }  # fmt: skip
    made = walk.network.add("conv", [value.node], settings, tensors, op.name)
    return [as_map(made, walk.network.shapes[made], value.batch)]


@rule("MaxPool", "AveragePool")
def pool(walk: Walk, op: Op) -> list[Known]:
    """A pool; one of single pixels is dropped, a mean over the whole map is a global one."""
    largest = op.type == "MaxPool"
    _auto(op)
    size = _pair(op, "kernel_shape")
    stride, padding = _pair(op, "strides"), op.get("pads", [0])
    if size == stride == [1, 1] and not any(padding):
        return [walk.value(op)]
    if any(name for name in op.outputs[1:]):
        raise Refusal("it gives the places of the largest too")
    if _pair(op, "dilations") != [1, 1] or op.get("storage_order", 0):
        raise Refusal("a dilated pool")
    value = _map(walk, op)
    padding = _padding(op, size, value)
    if not largest and size == [*value.shape[:2]] and padding == "valid":
        return _mean(walk, value, op.name)
    settings: dict[str, Any] = {
        "size": size, "stride": stride, "padding": padding,
        "rounding": "ceil" if op.get("ceil_mode", 0) else "floor",
    }  # fmt: skip
    if not largest:
        settings["count_padding"] = bool(op.get("count_include_pad", 0))
    kind = "max_pool" if largest else "average_pool"
    made = walk.network.add(kind, [value.node], settings, origin=op.name)
    return [as_map(made, walk.network.shapes[made], value.batch)]


def _mean(walk: Walk, value: Value, origin: str) -> list[Known]:
    made = walk.network.add("global_average_pool", [value.node], origin=origin)
    return [as_point(made, value.channels, value.batch)]


@rule("GlobalAveragePool")
def global_average_pool(walk: Walk, op: Op) -> list[Known]:
    """The mean of each channel."""
    if walk.value(op).is_point():
        return [walk.value(op)]
    return _mean(walk, _map(walk, op), op.name)


@rule("GlobalMaxPool")
def global_max_pool(walk: Walk, op: Op) -> list[Known]:
    """The largest of each channel."""
    if walk.value(op).is_point():
        return [walk.value(op)]
    return _largest(walk, _map(walk, op), op.name)


def _largest(walk: Walk, value: Value, origin: str) -> list[Known]:
    size = [*value.shape[:2]]
    settings = {"size": size, "stride": size}
    made = walk.network.add("max_pool", [value.node], settings, origin=origin)
    return [as_map(made, walk.network.shapes[made], value.batch)]


@rule("ReduceMean", "ReduceSum", "ReduceMax")
def reduced(walk: Walk, op: Op) -> list[Known]:
    """A mean, sum or largest value over height and width, both and whole."""
    value = walk.value(op)
    named = walk.listed(op, "axes", 1) or [*range(len(value.axes))]
    over = {value.positive(axis) for axis in named}
    gone = [atom for n in sorted(over) for atom in value.axes[n]]
    if len(value.shape) == 3:
        height, width, channels = value.shape
        wanted = {*whole(HEIGHT, height), *whole(WIDTH, width)}
        origin = op.name
        if {*gone} != wanted:
            raise Refusal("it reduces other axes than height and width; a CNN's are known here")
        if op.type == "ReduceMax":
            (made,) = _largest(walk, value, origin)
        else:
            (made,) = _mean(walk, value, origin)
        assert isinstance(made, Value)
        if op.type == "ReduceSum":
            factor = np.full(channels, float(height * width))
            tensors = {"factor": factor, "offset": np.zeros(channels)}
            node = walk.network.add("affine", [made.node], tensors=tensors, origin=origin)
            made = as_vector(node, channels, value.batch)
        node, shape = made.node, made.shape
    elif gone:
        raise Refusal("it reduces the channels or the batch")
    else:
        node, shape = value.node, value.shape
    keep = op.get("keepdims", 1)
    kept = [() if n in over else axis for n, axis in enumerate(value.axes)]
    axes = tuple(axis for n, axis in enumerate(kept) if keep or n not in over)
    if not any(axis and axis[0].axis == CHANNELS for axis in axes) and value.channels > 1:
        raise Refusal("it reduces the channels")
    return [Value(node, shape, axes)]
