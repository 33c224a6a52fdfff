"""An architecture: a small graph of named nodes, as data. Its JSON form, its layers, its cuts.

A node is `{name, kind, inputs, ...settings}`; nodes stand in topological order and the last one
gives the logits. Every hyperparameter is spelled out: what a file omits is filled in from
`kinds`, never from a framework's default.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from implementations.architecture.kinds import KINDS
from implementations.architecture.node import Node, Pads, Shape
from implementations.architecture.settings import DOCUMENT, NODE, SCHEMA, values
from implementations.architecture.window import check_padding
from implementations.errors import BadInput, unknown
from implementations.files import read_json

__all__ = [
    "KINDS", "SCHEMA", "Architecture", "Cut", "Node", "Pads", "Shape", "cut", "document", "infer",
    "layers", "parse", "read", "resolve_layer",
]  # fmt: skip


@dataclass(frozen=True)
class Architecture:
    """A network described once. `input_shape` is (H, W, C); `input` names the images."""

    name: str
    input_shape: tuple[int, int, int]
    classes: int
    nodes: tuple[Node, ...]

    def __getitem__(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    @property
    def shapes(self) -> dict[str, Shape]:
        """Output shape of `input` and of every node, without the batch axis."""
        return infer(self)

    @property
    def output(self) -> str:
        """The node that gives the logits."""
        return self.nodes[-1].name


MOST_VALUES = 1 << 28
"""Numbers that a node may make of an image: a gigabyte in float32."""
MOST_WEIGHTS = 1 << 30
"""Numbers that a node may have as its weights: four gigabytes in float32."""


@lru_cache(maxsize=256)
def infer(architecture: Architecture) -> dict[str, Shape]:
    """Output shape of `input` and of every node. Raises BadInput that names the node."""
    shapes: dict[str, Shape] = {"input": architecture.input_shape}
    for node in architecture.nodes:
        inputs, kind = [shapes[name] for name in node.inputs], KINDS[node.kind]
        try:
            if len(inputs) != 1 and not kind.joins:
                raise ValueError(f"it reads one node, not {len(inputs)}")
            shapes[node.name] = kind.shape(node, inputs)
            if math.prod(shapes[node.name]) > MOST_VALUES:
                made = " x ".join(map(str, shapes[node.name]))
                raise ValueError(f"it would make {made} numbers of an image; make it smaller")
            if "stride" in node.settings:
                check_padding(node, inputs[0])
            for part, size in kind.parameters(node, inputs[0]).items():
                if math.prod(size) > MOST_WEIGHTS:
                    needs = " x ".join(map(str, size))
                    raise ValueError(f"its {part} would be {needs} numbers; make it smaller")
        except ValueError as error:
            given = " and ".join(str(shape) for shape in inputs)
            where = f"node {node.name!r} ({node.kind})"
            raise BadInput(f"{where} cannot read {given}: {error}") from error
    return shapes


@dataclass(frozen=True)
class Cut:
    """A graph split at a layer: nodes up to it, what else the head reads, and the head's nodes."""

    layer: str
    features: tuple[Node, ...]
    rest: tuple[str, ...]
    head: tuple[Node, ...]


@lru_cache(maxsize=256)
def cut(architecture: Architecture, layer: str) -> Cut:
    """Split at a node: `head` is all that depends on it; `features` is all else that is needed."""
    downstream = {layer}
    for node in architecture.nodes:
        if downstream.intersection(node.inputs):
            downstream.add(node.name)
    head = tuple(n for n in architecture.nodes if n.name in downstream and n.name != layer)
    read = {name for node in head for name in node.inputs}
    rest = tuple(sorted(read - downstream))
    needed = {layer, *rest}
    for node in reversed(architecture.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    names = needed - {n.name for n in head}
    features = tuple(node for node in architecture.nodes if node.name in names)
    return Cut(layer, features, rest, head)


def layers(architecture: Architecture) -> list[str]:
    """Names of the nodes with a spatial output, in order: where a heatmap can be taken."""
    shapes = architecture.shapes
    return [node.name for node in architecture.nodes if len(shapes[node.name]) == 3]


def resolve_layer(architecture: Architecture, name: str | None) -> str:
    """The node a user's layer name means.

    `conv2` is the first ReLU after it when only batch norm stands between; `conv2:pre` is the
    convolution's own output; None is the default layer. Raises BadInput with the nearest names.
    """
    if name is None:
        return _last(architecture)
    spatial = layers(architecture)
    plain = name.removesuffix(":pre")
    if plain not in spatial or (plain != name and architecture[plain].kind != "conv"):
        raise BadInput(unknown("layer", name, spatial, f"of {architecture.name} "))
    if plain != name or architecture[plain].kind != "conv":
        return plain
    node = plain
    while True:
        users = [n for n in architecture.nodes if node in n.inputs]
        if len(users) != 1 or KINDS[users[0].kind].role not in ("normalisation", "activation"):
            return plain
        node = users[0].name
        if KINDS[users[0].kind].role == "activation":
            return node


def _last(architecture: Architecture) -> str:
    """The default layer: from the last convolution on, through what keeps the map.

    That is normalisations, activations and what joins several nodes, at the same map size, as long
    as everything from the convolution to the logits passes there: a residual network's last block.
    """
    shapes = architecture.shapes
    convolutions = [n.name for n in architecture.nodes if n.kind == "conv"]
    if not convolutions:
        raise BadInput(f"{architecture.name} has no convolution, so no layer for a heatmap")
    found = convolutions[-1]
    size, after = shapes[found][:-1], cut(architecture, found).head
    places = {name: n for n, name in enumerate([found, *(node.name for node in after)])}
    # Everything passes at a node where nothing from before it is read after it.
    last_read = {name: places[node.name] for node in after for name in node.inputs}
    kept, farthest = {found}, last_read.get(found, 0)
    for node in after:
        kind = KINDS[node.kind]
        keeps = kind.joins or kind.role in ("normalisation", "activation")
        if keeps and kept.intersection(node.inputs) and shapes[node.name][:-1] == size:
            kept.add(node.name)
            if farthest <= places[node.name]:
                found = node.name
        farthest = max(farthest, last_read.get(node.name, 0))
    return found


def parse(document: Mapping[str, Any], where: str) -> Architecture:
    """An architecture from its JSON form.

    Raises BadInput that names the file (`where`), the node and what its setting must be. Every
    node must reach the logits: one that does not is a slip of the pen.
    """
    if not isinstance(document, Mapping):
        raise BadInput(f"{where}: an architecture is a JSON object")
    given = values({"name": Path(where).stem, **document}, DOCUMENT, where, "an architecture")
    nodes: list[Node] = []
    names = {"input"}
    for position, node in enumerate(given["nodes"]):
        nodes.append(_parse_node(node, names, f"{where}: node {position}"))
        names.add(nodes[-1].name)
    classes = given["classes"]
    architecture = Architecture(given["name"], given["input_shape"], classes, tuple(nodes))
    used = {architecture.output}
    for position, node in reversed([*enumerate(nodes)]):
        if node.name not in used:
            raise BadInput(
                f"{where}: node {position} {node.name!r} does not reach the logits "
                f"({architecture.output!r}, the last node); let a later node read it, or delete it"
            )
        used.update(node.inputs)
    try:
        output = architecture.shapes[architecture.output]
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    if output != (classes,):
        raise BadInput(
            f"{where}: node {architecture.output!r} gives shape {output}, not the ({classes},) "
            "logits that classes asks for; make the last node that wide"
        )
    return architecture


def _parse_node(form: Any, names: set[str], where: str) -> Node:
    if not isinstance(form, Mapping):
        raise BadInput(f"{where}: a node is an object {{name, kind, inputs, ...}}")
    if isinstance(form.get("name"), str):
        where = f"{where} {form['name']!r}"
    common = {name: value for name, value in form.items() if name in NODE}
    name, kind, inputs = values(common, NODE, where, "a node").values()
    if name in names:
        raise BadInput(f"{where}: the name stands twice ('input' is the images); give another")
    if name == "training":  # which `nn.Module.train` sets, on the container of the nodes too
        raise BadInput(f"{where}: PyTorch needs the name {name!r} for itself; give another")
    if kind not in KINDS:
        raise BadInput(f"{where}: {unknown('kind', kind, KINDS)}")
    for read in inputs:
        if read not in names:
            raise BadInput(f"{where}: {unknown('input', read, sorted(names))} (order matters)")
    own = {name: value for name, value in form.items() if name not in NODE}
    return Node(name, kind, inputs, values(own, KINDS[kind].settings, where, f"a {kind}"))


def document(architecture: Architecture) -> dict[str, Any]:
    """The JSON form, with every setting: `parse(document(a), ...) == a`."""
    nodes = [
        {"name": n.name, "kind": n.kind, "inputs": list(n.inputs), **n.settings}
        for n in architecture.nodes
    ]
    return {
        "schema": SCHEMA,
        "name": architecture.name,
        "input_shape": list(architecture.input_shape),
        "classes": architecture.classes,
        "nodes": nodes,
    }


def read(path: Path) -> Architecture:
    """An architecture from a JSON file. Raises BadInput."""
    return parse(read_json(path, "architecture"), str(path))
