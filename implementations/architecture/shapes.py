"""Shapes, windows, parameters and operation counts of an architecture: arithmetic, no arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from implementations.architecture.graph import Architecture, Node, Pads, Shape
from implementations.errors import BadInput


class Window(NamedTuple):
    """A sliding window over (H, W), its padding made explicit: no `same`, no ceil mode is left."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: Pads
    size: tuple[int, int]


def window(node: Node, shape: Shape) -> Window:
    """The window of a conv or pool node over an input (H, W, C).

    `same` pads as TensorFlow defines it: the output is ceil(n / stride), and the odd cell of
    padding goes to the bottom and the right. Ceil rounding adds cells to the bottom and the right,
    and no window starts in them. Raises ValueError where no window fits, or where one of a pool
    covers nothing but padding: it has no largest value, and no average.
    """
    kernel = node["kernel"] if node.kind == "conv" else node["size"]
    stride = node["stride"]
    dilation = node["dilation"] if node.kind == "conv" else (1, 1)
    ceil = node.kind != "conv" and node["rounding"] == "ceil"
    pads, size = [], []
    for axis in (0, 1):
        n, s = shape[axis], stride[axis]
        extent = (kernel[axis] - 1) * dilation[axis] + 1
        if node["padding"] == "same":
            out = -(-n // s)
            total = max((out - 1) * s + extent - n, 0)
            before, after = total // 2, total - total // 2
        else:
            before, after = (0, 0) if node["padding"] == "valid" else node["padding"][axis]
            span = n + before + after - extent
            if span < 0:
                raise ValueError(f"a window of {extent} does not fit {n} + {before} + {after}")
            out = (-(-span // s) if ceil else span // s) + 1
            if ceil and (out - 1) * s >= n + before:
                out -= 1
            after = max(after, (out - 1) * s + extent - n - before)
        if node.kind != "conv" and (before >= extent or (out - 1) * s - before >= n):
            raise ValueError("a window covers nothing but padding; make the padding smaller")
        pads.append((before, after))
        size.append(out)
    return Window(kernel, stride, dilation, (pads[0], pads[1]), (size[0], size[1]))


@lru_cache(maxsize=256)
def infer(architecture: Architecture) -> dict[str, Shape]:
    """Output shape of every node. Raises BadInput that names the node."""
    shapes: dict[str, Shape] = {"input": architecture.input_shape}
    for node in architecture.nodes:
        inputs = [shapes[name] for name in node.inputs]
        try:
            shapes[node.name] = _shape(node, inputs)
        except ValueError as error:
            given = " and ".join(str(shape) for shape in inputs)
            where = f"node {node.name!r} ({node.kind})"
            raise BadInput(f"{where} cannot read {given}: {error}") from error
    return shapes


def _shape(node: Node, inputs: list[Shape]) -> Shape:
    first = inputs[0]
    if node.kind not in ("add", "concat") and len(inputs) != 1:
        raise ValueError(f"it reads one node, not {len(inputs)}")
    if node.kind in ("add", "concat"):
        return _join(node, inputs)
    if node.kind in ("relu", "relu6", "batch_norm", "dropout"):
        return first
    if node.kind == "flatten":
        return (math.prod(first),)
    if node.kind == "dense":
        if len(first) != 1:
            raise ValueError("a dense node reads a vector; put a flatten before it")
        return (node["units"],)
    if len(first) != 3:
        raise ValueError("it needs (height, width, channels)")
    height, width, channels = first
    if node.kind == "global_average_pool":
        return (channels,)
    if node.kind == "normalise":
        if not len(node["mean"]) == len(node["deviation"]) == channels:
            raise ValueError(f"mean and deviation need {channels} values")
        if node["order"] is not None and sorted(node["order"]) != list(range(channels)):
            raise ValueError(f"order must rearrange 0..{channels - 1}")
        return first
    if node.kind == "pad":
        (top, bottom), (left, right) = node["spatial"]
        return (height + top + bottom, width + left + right, channels + sum(node["channels"]))
    size = window(node, first).size
    if node.kind == "conv":
        if channels % node["groups"] or node["filters"] % node["groups"]:
            raise ValueError(f"groups {node['groups']} must divide the channels and the filters")
        return (*size, node["filters"])
    return (*size, channels)


def _join(node: Node, inputs: list[Shape]) -> Shape:
    if len(inputs) < 2:
        raise ValueError("it joins two nodes or more")
    same = {shape if node.kind == "add" else shape[:-1] for shape in inputs}
    if len(same) != 1:
        raise ValueError("the shapes do not match")
    return inputs[0] if node.kind == "add" else (*inputs[0][:-1], sum(s[-1] for s in inputs))


def parameters(architecture: Architecture) -> dict[str, Shape]:
    """Name -> shape of every tensor of the neutral weights file, in order."""
    tensors: dict[str, Shape] = {}
    for node in architecture.nodes:
        channels = architecture.shapes[node.inputs[0]][-1]
        if node.kind == "conv":
            shape = (*node["kernel"], channels // node["groups"], node["filters"])
            tensors[f"{node.name}.kernel"] = shape
        if node.kind == "dense":
            tensors[f"{node.name}.kernel"] = (channels, node["units"])
        if node.kind in ("conv", "dense") and node["bias"]:
            tensors[f"{node.name}.bias"] = (tensors[f"{node.name}.kernel"][-1],)
        if node.kind == "batch_norm":
            for part in ("scale", "offset", "mean", "variance"):
                tensors[f"{node.name}.{part}"] = (channels,)
    return tensors


def operations(architecture: Architecture, nodes: Iterable[Node] | None = None) -> int:
    """Floating-point operations of one image's forward pass: 2 a multiply-add, conv and dense.

    Through all nodes, or through those given.
    """
    shapes, tensors, total = architecture.shapes, parameters(architecture), 0
    for node in architecture.nodes if nodes is None else nodes:
        if node.kind in ("conv", "dense"):
            places = math.prod(shapes[node.name][:-1])
            total += 2 * places * math.prod(tensors[f"{node.name}.kernel"])
    return total


def summary(architecture: Architecture) -> list[tuple[str, str, Shape, int]]:
    """Rows of the model summary: name, kind, output shape, number of parameters."""
    tensors = parameters(architecture)
    return [
        (
            node.name,
            node.kind,
            architecture.shapes[node.name],
            sum(math.prod(s) for name, s in tensors.items() if name.split(".")[0] == node.name),
        )
        for node in architecture.nodes
    ]
