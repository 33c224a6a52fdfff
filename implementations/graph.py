"""An architecture: a small graph of named nodes, as data. Its JSON form, its layers, its cuts.

A node is `{name, kind, inputs, ...settings}`; nodes stand in topological order and the last one
gives the logits. Every hyperparameter is spelled out: what a file leaves away is filled in from
`KINDS`, never from a framework's default.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from implementations.contract import BadInput

SCHEMA = 1
REQUIRED = object()

KINDS: dict[str, dict[str, Any]] = {
    "conv": {
        "filters": REQUIRED, "kernel": REQUIRED, "stride": 1, "padding": "same", "dilation": 1,
        "groups": 1, "bias": True,
    },
    "dense": {"units": REQUIRED, "bias": True},
    "batch_norm": {"momentum": 0.99, "epsilon": 1e-3},
    "relu": {},
    "relu6": {},
    "max_pool": {"size": REQUIRED, "stride": REQUIRED, "padding": "valid", "rounding": "floor"},
    "average_pool": {
        "size": REQUIRED, "stride": REQUIRED, "padding": "valid", "rounding": "floor",
        "count_padding": False,
    },
    "global_average_pool": {},
    "flatten": {},
    "dropout": {"rate": REQUIRED},
    "add": {},
    "concat": {},
    "pad": {"spatial": ((0, 0), (0, 0)), "channels": (0, 0)},
    "normalise": {"mean": REQUIRED, "deviation": REQUIRED, "order": None},
}  # fmt: skip
"""Kind -> its settings with their defaults. Pairs may be written as one number."""

Shape = tuple[int, ...]
Pads = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Node:
    """One operation. `settings` holds every hyperparameter of its kind."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __getitem__(self, setting: str) -> Any:
        return self.settings[setting]


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
        from implementations.shapes import infer

        return infer(self)

    @property
    def output(self) -> str:
        """The node that gives the logits."""
        return self.nodes[-1].name


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
    return [n.name for n in architecture.nodes if len(architecture.shapes[n.name]) == 3]


def resolve_layer(architecture: Architecture, name: str | None) -> str:
    """The node a user's layer name means.

    `conv2` is the first ReLU after it when only batch norm stands between; `conv2:pre` is the
    convolution's own output; None is the last convolution. Raises BadInput with the nearest names.
    """
    spatial = layers(architecture)
    convolutions = [n for n in spatial if architecture[n].kind == "conv"]
    if name is None:
        if not convolutions:
            raise BadInput(f"{architecture.name} has no convolution, so no layer for a heatmap")
        name = convolutions[-1]
    plain = name.removesuffix(":pre")
    if plain not in spatial or (plain != name and architecture[plain].kind != "conv"):
        raise BadInput(unknown("layer", name, spatial, f"of {architecture.name} "))
    if plain != name or architecture[plain].kind != "conv":
        return plain
    node = plain
    while True:
        users = [n for n in architecture.nodes if node in n.inputs]
        if len(users) != 1 or users[0].kind not in ("batch_norm", "relu", "relu6"):
            return plain
        node = users[0].name
        if users[0].kind != "batch_norm":
            return node


def unknown(what: str, given: str, known: Iterable[str], where: str = "") -> str:
    """One line for a name that is not there: the nearest names, or else all of them."""
    names = list(known)
    near = difflib.get_close_matches(given, names, n=3, cutoff=0.5)
    mend = f"did you mean {' or '.join(near)}?" if near else f"one of: {', '.join(names)}"
    return f"unknown {what} {where}{given!r}; {mend}"


def pair(value: Any) -> tuple[int, int]:
    """3 -> (3, 3); [3, 5] -> (3, 5)."""
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[1]))


def parse(document: Mapping[str, Any], where: str) -> Architecture:
    """An architecture from its JSON form. Raises BadInput that names the file and the node."""
    known = {"schema", "name", "input_shape", "classes", "nodes"}
    for key in sorted(known - {"schema", "name"}):
        if key not in document:
            raise BadInput(f"{where}: no {key!r}; an architecture has {', '.join(sorted(known))}")
    if document.get("schema", SCHEMA) != SCHEMA:
        raise BadInput(f"{where}: schema {document['schema']!r} is not {SCHEMA}, the one read here")
    shape = document["input_shape"]
    if (
        not isinstance(shape, list | tuple)
        or len(shape) != 3
        or not all(isinstance(n, int) and n > 0 for n in shape)
    ):
        raise BadInput(f"{where}: input_shape must be [height, width, channels], not {shape!r}")
    nodes = document["nodes"]
    if not isinstance(nodes, list | tuple) or not nodes:
        raise BadInput(f"{where}: nodes must be a list of at least one node")
    classes = document["classes"]
    if not isinstance(classes, int) or classes < 2:
        raise BadInput(f"{where}: classes must be an integer of at least 2, not {classes!r}")
    names = {"input"}
    parsed = []
    for position, node in enumerate(nodes):
        parsed.append(_parse_node(node, names, f"{where}: node {position}"))
        names.add(parsed[-1].name)
    name = str(document.get("name", Path(where).stem))
    architecture = Architecture(name, (shape[0], shape[1], shape[2]), classes, tuple(parsed))
    output = architecture.shapes[architecture.output]
    if output != (classes,):
        raise BadInput(
            f"{where}: node {architecture.output!r} gives shape {output}, not the ({classes},) "
            "logits that classes asks for; make the last node that wide"
        )
    return architecture


def _parse_node(node: Any, names: set[str], where: str) -> Node:
    if not isinstance(node, Mapping) or not isinstance(node.get("name"), str):
        raise BadInput(f"{where} has no name; a node is {{name, kind, inputs, ...}}")
    name, kind = node["name"], node.get("kind")
    where = f"{where} {name!r}"
    if name in names:
        raise BadInput(f"{where}: the name stands twice; names are unique")
    if "." in name or ":" in name or "/" in name:
        raise BadInput(f"{where}: a name has no '.', ':' or '/'")
    if kind not in KINDS:
        raise BadInput(f"{where}: {unknown('kind', str(kind), KINDS)}")
    inputs = node.get("inputs", ())
    inputs = (inputs,) if isinstance(inputs, str) else tuple(inputs)
    if not inputs:
        raise BadInput(f"{where}: no inputs; name the nodes it reads, or 'input' for the images")
    for read in inputs:
        if read not in names:
            raise BadInput(f"{where}: {unknown('input', read, sorted(names))} (order matters)")
    settings = {}
    for setting, default in KINDS[kind].items():
        value = node.get(setting, default)
        if value is REQUIRED:
            raise BadInput(f"{where}: a {kind} needs {setting!r}")
        settings[setting] = _plain(setting, value, where)
    extra = set(node) - {"name", "kind", "inputs", *KINDS[kind]}
    if extra:
        raise BadInput(f"{where}: {unknown('setting', min(extra), KINDS[kind])}")
    return Node(name, kind, inputs, settings)


def _plain(setting: str, value: Any, where: str) -> Any:
    try:
        if setting in ("kernel", "stride", "size", "dilation", "channels"):
            return pair(value)
        if setting == "spatial" or (setting == "padding" and not isinstance(value, str)):
            return tuple(pair(v) for v in (value if not isinstance(value, int) else (value,) * 2))
        if setting in ("mean", "deviation"):
            return tuple(float(v) for v in value)
        if setting == "order":
            return None if value is None else tuple(int(v) for v in value)
    except (TypeError, ValueError, IndexError) as error:
        raise BadInput(f"{where}: {setting} {value!r} cannot be read ({error})") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise BadInput(f"{where}: {setting} must be finite")
    return value


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
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadInput(f"{path}: not a readable JSON architecture ({error})") from error
    if not isinstance(content, dict):
        raise BadInput(f"{path}: an architecture is a JSON object")
    return parse(content, str(path))
