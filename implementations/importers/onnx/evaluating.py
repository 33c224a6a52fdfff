"""Logits of a file and of what it became in float64, a node at a time: little more than one weight.

Weights stay as they are stored and are widened where they are read, a large one in parts; values
are let go once nothing reads them any more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture, Node
from implementations.arrays import Floats, Weights
from implementations.oracle.nodes import forward

PART = 1 << 21
"""Numbers of the largest array that is widened, or made beside a result, at once: 16 MiB."""
SIXTH = np.float32(1 / 6)
Constants = Mapping[str, NDArray[Any]]


def of_architecture(architecture: Architecture, weights: Weights, images: Floats) -> Floats:
    """The oracle's logits (N, K) of images (N, H, W, C)."""
    left = Counter(name for node in architecture.nodes for name in node.inputs)
    left[architecture.output] += 1
    values = {"input": images}
    for node in architecture.nodes:
        values[node.name] = _forward(node, weights, [values[name] for name in node.inputs])
        _let_go(values, left, node.inputs)
    return values[architecture.output]


def most_values(architecture: Architecture) -> int:
    """How many numbers of an image `of_architecture` has at once, at the most."""
    sizes = {name: math.prod(shape) for name, shape in architecture.shapes.items()}
    left = Counter(name for node in architecture.nodes for name in node.inputs)
    held, most = sizes["input"], sizes["input"]
    for node in architecture.nodes:
        held += sizes[node.name]
        most = max(most, held)
        left.subtract(node.inputs)
        held -= sum(sizes[name] for name in set(node.inputs) if not left[name])
    return most


def _forward(node: Node, weights: Weights, inputs: list[Floats]) -> Floats:
    prefix = f"{node.name}."
    own = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
    if node.kind != "dense":
        return forward(node, _wide(own), inputs)
    parts = _slices(*own["kernel"].shape)
    made = [forward(node, _wide({k: v[..., part] for k, v in own.items()}), inputs)
            for part in parts]  # fmt: skip
    return np.concatenate(made, axis=-1)


def of_file(model: Any, output: str, opset: int, given: Constants, images: Floats) -> Floats:
    """What onnx's evaluator makes of the images at `output`, the model's attributes being wide.

    `given` are the model's constants. Raises whatever the evaluator does.
    """
    nodes = _needed(model.graph.node, output)
    name = next(value.name for value in model.graph.input if value.name not in given)
    left = Counter(each for node in nodes for each in node.input)
    left[output] += 1
    values: dict[str, Any] = {name: images}
    for node in nodes:
        inputs = [values[each] if each in values else given.get(each) for each in node.input]
        made = _computed(node, inputs, opset)
        values.update(zip(node.output, made, strict=False))
        _let_go(values, left, node.input)
    return np.asarray(values[output])


def _needed(nodes: Sequence[Any], output: str) -> list[Any]:
    """Those that the output depends on, in their order."""
    wanted, found = {output}, []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            found.append(node)
    return found[::-1]


def _computed(node: Any, inputs: list[Any], opset: int) -> list[Any]:
    """The outputs of one operator; of a large product by parts that are put together again."""
    from onnx import helper

    said = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    sixth = node.op_type == "HardSwish" or (
        node.op_type == "HardSigmoid"
        and (np.float32(said.get("alpha", 0)), said.get("beta", 0.5)) == (SIXTH, 0.5)
    )
    if sixth:  # ONNX says 1 / 6, and can write it in single precision only
        gate = np.clip(inputs[0] / 6.0 + 0.5, 0.0, 1.0)
        return [inputs[0] * gate if node.op_type == "HardSwish" else gate]
    if node.op_type in ("Gemm", "MatMul") and np.ndim(inputs[1]) == 2:
        return [_product(node, inputs, opset, turned=bool(said.get("transB", 0)))]
    if node.op_type == "Conv" and said.get("group", 1) == 1 and np.ndim(inputs[0]) == 4:
        return [_convolution(node, inputs, opset)]
    return _run(node, inputs, opset)


def _product(node: Any, inputs: list[Any], opset: int, turned: bool) -> NDArray[Any]:
    """By columns of the second factor."""
    first, second, *more = inputs
    rows, columns = second.shape[::-1] if turned else second.shape
    made = []
    for part in _slices(rows, columns):
        factor = second[part] if turned else second[:, part]
        added = [c if c is None or np.size(c) == 1 else c[..., part] for c in more]
        made.append(_run(node, [first, factor, *added], opset)[0])
    return np.concatenate(made, axis=-1)


def _convolution(node: Any, inputs: list[Any], opset: int) -> NDArray[Any]:
    """By channels: the evaluator makes a matrix of all windows, and another of their places."""
    images, kernel, *bias = inputs
    each = max(images[:, :1].size * int(np.prod(kernel.shape[2:])), kernel[:, :1].size)
    total = None
    for part in _slices(each, images.shape[1]):
        beside = bias if total is None else []
        made = _run(node, [images[:, part], kernel[:, part], *beside], opset)[0]
        total = made if total is None else np.add(total, made, out=total)
    return np.asarray(total)


def _run(node: Any, inputs: Sequence[Any], opset: int) -> list[Any]:
    """The evaluator's outputs of one operator."""
    from onnx import NodeProto, TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    alone = NodeProto()
    alone.CopyFrom(node)
    del alone.input[len(inputs) :]
    feeds = {k: v for k, v in zip(alone.input, inputs, strict=True) if v is not None}

    def named(names: Iterable[str]) -> list[Any]:
        kind = TensorProto.UNDEFINED
        return [helper.make_tensor_value_info(each, kind, None) for each in names if each]

    graph = helper.make_graph([alone], "one", named(feeds), named(alone.output))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    with np.errstate(all="ignore"):
        found = iter(ReferenceEvaluator(made).run(None, _wide(feeds)))
    return [next(found) if each else None for each in alone.output]


def _wide(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Fractions as float64."""
    return {
        name: value.astype(np.float64) if value.dtype.kind == "f" else value
        for name, value in arrays.items()
    }


def _slices(each: int, count: int) -> Iterator[slice]:
    """`count` columns of `each` numbers, so many at a time as are little."""
    step = max(PART // max(each, 1), 1)
    yield from (slice(start, start + step) for start in range(0, count, step))


def _let_go(values: dict[str, Any], left: Counter[str], read: Iterable[str]) -> None:
    left.subtract(read)
    for name in set(read):
        if left[name] <= 0:
            values.pop(name, None)
