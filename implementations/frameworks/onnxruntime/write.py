"""An architecture with weights as an ONNX file, for whatever reads such files.

Images go in as (batch, channels, height, width), in [0, 1]; logits come out. Every kind is written
with the operators that it is read from, so that `convert` of the file gives the network back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from implementations.architecture.graph import Architecture
from implementations.architecture.node import Node
from implementations.arrays import Weights
from implementations.errors import BadInput, Unavailable
from implementations.frameworks.onnxruntime.kinds import KINDS, Writer

OPSET, IR = 20, 10
PRODUCER = "camparison"
MOST_BYTES = (1 << 31) * 0.99
"""Of weights: a message of protobuf's holds 2 GiB."""
Values = dict[str, list[str | int]]
"""Name -> shape, of what goes into a file's graph or comes out of it."""


def serialised(architecture: Architecture, weights: Weights) -> bytes:
    """The bytes of a file. Raises BadInput for a kind that has no form there, or too large a one.

    Raises Unavailable where the package onnx is missing.
    """
    write = Writer(architecture.shapes, weights)
    _written(write, architecture.nodes, {"input": "images"})
    height, width, channels = architecture.input_shape
    given: Values = {"images": ["batch", channels, height, width]}
    made: Values = {architecture.output: ["batch", architecture.classes]}
    return _content(write, architecture.name, given, made)


def part(
    architecture: Architecture,
    weights: Weights,
    nodes: Sequence[Node],
    given: Sequence[str],
    wanted: Sequence[str],
) -> bytes:
    """Some of its nodes as a file: values `given` go in, values `wanted` come out, in this order.

    Maps are (batch, height, width, channels) at both ends. Raises BadInput and Unavailable.
    """
    write, names = Writer(architecture.shapes, weights), {}
    for name in given:
        names[name] = f"{name}/given"
        if len(write.shapes[name]) == 3:
            write.op("Transpose", [names[name]], f"{name}/first", perm=[0, 3, 1, 2])
            names[name] = f"{name}/first"
    _written(write, nodes, names)
    for name in wanted:
        if len(write.shapes[name]) == 3:
            write.op("Transpose", [name], f"{name}/wanted", perm=[0, 2, 3, 1])
        else:
            write.op("Identity", [name], f"{name}/wanted")
    read: Values = {f"{name}/given": ["batch", *write.shapes[name]] for name in given}
    made: Values = {f"{name}/wanted": ["batch", *write.shapes[name]] for name in wanted}
    return _content(write, architecture.name, read, made)


def _written(write: Writer, nodes: Sequence[Node], names: dict[str, str]) -> None:
    """Write nodes, of which `names` tells what those before them are called in the file."""
    _package()
    for node in nodes:
        if node.kind not in KINDS:
            raise BadInput(f"node {node.name!r}: {node.kind} has no form in an ONNX file here")
        KINDS[node.kind](write, node, [names[name] for name in node.inputs])
        names[node.name] = node.name


def _package() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise Unavailable("the package onnx is not installed; pip install onnx") from error
    return onnx


def _content(write: Writer, name: str, given: Values, made: Values) -> bytes:
    """The bytes of a file of what was written. Raises BadInput."""
    onnx = _package()
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    size = sum(values.nbytes for values in write.constants.values())
    if size > MOST_BYTES:
        raise BadInput(f"{size} bytes of weights; an ONNX file holds 2 GiB at most")
    graph = helper.make_graph(
        write.nodes,
        name,
        [helper.make_tensor_value_info(each, kind, shape) for each, shape in given.items()],
        [helper.make_tensor_value_info(each, kind, shape) for each, shape in made.items()],
        [onnx.numpy_helper.from_array(values, each) for each, values in write.constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR, producer_name=PRODUCER)
    content: bytes = model.SerializeToString()
    return content
