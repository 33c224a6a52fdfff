"""An ONNX file's bytes as a graph of operators and arrays, within limits, and nothing run.

Of the package `onnx` only the message classes are used: its loader picks a parser by the file's
name and opens whatever files a tensor names, its inliner may never end.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from implementations.errors import BadInput, Unavailable, one_line
from implementations.files import open_plain, recognise
from implementations.importers.onnx import outline
from implementations.importers.onnx.tensors import OTHERS, TYPES, array, check_beside, text

MOST_BYTES = (1 << 31) - 1
"""Bytes of the largest file: what a message of protobuf may have."""
MOST_NODES = 10_000
TENSOR = 4
"""ONNX's number of an attribute that is a tensor."""
CONTROL = (5, 10)
"""ONNX's numbers of attributes that are graphs."""


@dataclass(frozen=True)
class Op:
    """One operator of the file; `inputs` and `outputs` name values, an absent input is ''."""

    name: str
    type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    proto: Any = None

    def __str__(self) -> str:
        return f"node {self.name!r} ({self.type})"

    def get(self, attribute: str, default: Any) -> Any:
        """An attribute's value, or the operator's own default."""
        return self.attributes.get(attribute, default)


@dataclass(frozen=True)
class Input:
    """What the graph is given: its name, its sizes (None where free) and its element type."""

    name: str
    sizes: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class OnnxFile:
    """A file's main graph. `constants` are its initializers; `model` is the message without."""

    path: Path
    ops: tuple[Op, ...]
    constants: dict[str, NDArray[Any]]
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    opset: int
    producer: str
    digest: str
    model: Any


def read(path: Path) -> OnnxFile:
    """The graph of a file. Raises BadInput in one line, and Unavailable where `onnx` is missing."""
    try:
        from google.protobuf.message import DecodeError
        from onnx import ModelProto
    except ImportError as error:
        raise Unavailable("the package onnx is not installed; pip install onnx") from error
    content = _content(path)
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except (DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is no readable ONNX file; export it again") from error
    digest = hashlib.sha256(content).hexdigest()
    del content
    try:
        return _graph(path, model, digest)
    except ValueError as error:
        raise BadInput(one_line(f"{path}: {error}")) from error


def _content(path: Path) -> bytes:
    """The bytes of a file that is built as an ONNX file is. Raises BadInput, soon, for others."""
    with open_plain(path, MOST_BYTES, "ONNX file") as stream:
        known = recognise(stream.read(64))
        if known:
            raise BadInput(f"{path} is no ONNX file: it is {known}")
        try:
            outline.check(stream.fileno(), os.fstat(stream.fileno()).st_size)
        except ValueError as error:
            raise BadInput(f"{path} is no readable ONNX file: {error}") from error
        stream.seek(0)
        return stream.read()


def _graph(path: Path, model: Any, digest: str) -> OnnxFile:
    graph = model.graph
    if model.functions:
        raise ValueError("the file has functions; export the network without them")
    if not graph.node or not graph.output:
        raise ValueError("there is no graph in it; export the network again")
    if len(graph.node) > MOST_NODES:
        raise ValueError(f"{len(graph.node)} nodes; {MOST_NODES} at most")
    if graph.sparse_initializer:
        raise ValueError("its tensors are sparse; export the network with plain ones")
    given = [a.t for node in graph.node for a in node.attribute if a.type == TENSOR]
    check_beside([*graph.initializer, *given], path.parent)
    constants = {text(t.name): array(t, path.parent) for t in graph.initializer}
    if len(constants) < len(graph.initializer):
        raise ValueError("two of its tensors have one name; export the network again")
    inputs = tuple(_input(value) for value in graph.input if value.name not in constants)
    # The message holds every tensor a second time, and gives nothing back before it is gone: all
    # that is kept of it is kept of a copy.
    bare = type(model)()
    bare.CopyFrom(_without(model))
    opsets = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    opset = max(opsets, default=1)
    nodes = enumerate(bare.graph.node)
    ops = tuple(_op(node, number, path.parent, opset) for number, node in nodes)
    producer = one_line(f"{model.producer_name} {model.producer_version}".strip())[:80]
    outputs = tuple(text(value.name) for value in graph.output)
    return OnnxFile(path, ops, constants, inputs, outputs, opset, producer, digest, bare)


def _without(model: Any) -> Any:
    """The message, its initializers gone: they are in `constants`."""
    del model.graph.initializer[:]
    return model


def _input(value: Any) -> Input:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        raise ValueError(f"the input {value.name!r} has no shape; export it with one")
    sizes = tuple(
        d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None
        for d in tensor.shape.dim
    )
    dtype = TYPES.get(tensor.elem_type, (OTHERS.get(tensor.elem_type, "unknown"), ""))[0]
    return Input(text(value.name), sizes, dtype)


def _op(node: Any, number: int, folder: Path, opset: int) -> Op:
    name = text(node.name) or f"number {number}"
    kind = text(node.op_type)
    if node.domain not in ("", "ai.onnx"):
        raise ValueError(
            f"node {name!r} ({kind}) is of the domain {node.domain!r}, not of ONNX itself; "
            "export the network with ONNX's own operators"
        )
    if wrong := _misused(node, kind, opset):
        raise ValueError(f"node {name!r} ({kind}): {wrong}; export the network again")
    attributes = {text(a.name): _attribute(a, name, kind, folder) for a in node.attribute}
    inputs, outputs = map(text, node.input), map(text, node.output)
    return Op(name, kind, tuple(inputs), tuple(outputs), attributes, node)


def _misused(node: Any, kind: str, opset: int) -> str:
    """What a node says that its operator knows nothing of; '' for an operator that is none."""
    from onnx import defs

    try:
        schema = defs.get_schema(kind, opset, "")
    except defs.SchemaError:
        return ""
    names = [text(attribute.name) for attribute in node.attribute]
    known = schema.attributes
    strange = [
        each.name
        for each in node.attribute
        if each.name not in known and each.type not in CONTROL and not each.name.startswith("__")
    ]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if strange:
        return f"it has no attribute {strange[0]!r} in operator set {opset}"
    if twice:
        return f"its attribute {twice[0]!r} stands twice"
    if len(node.input) > schema.max_input or len(node.output) > schema.max_output:
        return f"more inputs or outputs than it has in operator set {opset}"
    return ""


def _attribute(attribute: Any, name: str, kind: str, folder: Path) -> Any:
    match attribute.type:
        case 1:
            return float(attribute.f)
        case 2:
            return int(attribute.i)
        case 3:
            return bytes(attribute.s).decode(errors="replace")
        case 4:  # TENSOR
            return array(attribute.t, folder)
        case 6:
            return [float(value) for value in attribute.floats]
        case 7:
            return [int(value) for value in attribute.ints]
        case 8:
            return [bytes(value).decode(errors="replace") for value in attribute.strings]
    what = "control flow" if attribute.type in CONTROL else "an attribute of an unknown type"
    raise ValueError(f"node {name!r} ({kind}): {what}; export the network without it")
