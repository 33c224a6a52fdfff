"""The registered architectures, written as data, and users' own, known by what they hold.

`get` takes a name or the path of a JSON file; `take` reads a user's file once, into the name by
which it is known from then on, in every process that is given its `forms`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from implementations.architecture import graph, published
from implementations.architecture.graph import Architecture
from implementations.errors import BadInput, unknown

InputShape = tuple[int, int, int]
Nodes = list[dict[str, Any]]


def _chain(*nodes: dict[str, Any]) -> Nodes:
    """Nodes that each read the one before, named by kind and order: conv1, relu1, conv2, ..."""
    counts: dict[str, int] = {}
    chained: Nodes = []
    for node in nodes:
        kind = node["kind"]
        counts[kind] = counts.get(kind, 0) + 1
        short = {"max_pool": "pool", "batch_norm": "norm", "global_average_pool": "gap"}
        name = f"{short.get(kind, kind)}{counts[kind]}"
        inputs = [chained[-1]["name"]] if chained else ["input"]
        chained.append({"name": name, "inputs": inputs, **node})
    return chained


def _conv(filters: int, **settings: Any) -> list[dict[str, Any]]:
    return [{"kind": "conv", "filters": filters, "kernel": 3, **settings}, {"kind": "relu"}]


def _dense(units: int) -> dict[str, Any]:
    return {"kind": "dense", "units": units}


_POOL = {"kind": "max_pool", "size": 2, "stride": 2}
_FLATTEN = {"kind": "flatten"}
_GAP = {"kind": "global_average_pool"}


def _plain_cnn(*filters: int) -> Callable[[int], Nodes]:
    def nodes(classes: int) -> Nodes:
        convolutions = [node for width in filters for node in _conv(width)]
        return _chain(*convolutions, _FLATTEN, _dense(classes))

    return nodes


def _pool_dropout(classes: int) -> Nodes:
    quarter = {"kind": "dropout", "rate": 0.25}
    return _chain(
        *_conv(32, padding="valid"), _POOL, quarter,
        *_conv(64, padding="valid"), _POOL, quarter,
        _FLATTEN, _dense(256), {"kind": "relu"}, _dense(classes),
    )  # fmt: skip


def _three_blocks(classes: int) -> Nodes:
    pool = {**_POOL, "padding": 1}
    blocks = [
        node
        for width in (32, 64, 128)
        for node in (*_conv(width, padding=1), pool, {"kind": "dropout", "rate": 0.7})
    ]
    half = {"kind": "dropout", "rate": 0.5}
    return _chain(*blocks, _FLATTEN, _dense(625), {"kind": "relu"}, half, _dense(classes))


def _gap(classes: int) -> Nodes:
    return _chain(
        *_conv(32), *_conv(64), _POOL, *_conv(64), *_conv(128), _GAP, _dense(classes)
    )  # fmt: skip


def _mlp(classes: int) -> Nodes:
    return _chain(_FLATTEN, _dense(512), _dense(100), _dense(classes))


def _squeezenet(classes: int) -> Nodes:
    """SqueezeNet v1.0 (Iandola et al. 2016), Caffe's graph: BGR, 0..255 less the channel means."""
    pool = {"kind": "max_pool", "size": 3, "stride": 2, "rounding": "ceil"}
    nodes: Nodes = [
        {
            "name": "normalise1", "kind": "normalise", "inputs": ["input"], "order": [2, 1, 0],
            "mean": [104 / 255, 117 / 255, 123 / 255], "deviation": [1 / 255] * 3,
        },
        {
            "name": "conv1", "kind": "conv", "inputs": ["normalise1"], "filters": 96,
            "kernel": 7, "stride": 2, "padding": "valid",
        },
        {"name": "relu1", "kind": "relu", "inputs": ["conv1"]},
        {"name": "pool1", "inputs": ["relu1"], **pool},
    ]  # fmt: skip
    widths = {2: 16, 3: 16, 4: 32, 5: 32, 6: 48, 7: 48, 8: 64, 9: 64}
    for number, width in widths.items():
        nodes += _fire(f"fire{number}", nodes[-1]["name"], width)
        if number in (4, 8):
            nodes.append({"name": f"pool{number}", "inputs": [nodes[-1]["name"]], **pool})
    return [
        *nodes,
        {"name": "dropout9", "kind": "dropout", "inputs": [nodes[-1]["name"]], "rate": 0.5},
        {
            "name": "conv10", "kind": "conv", "inputs": ["dropout9"], "filters": classes,
            "kernel": 1, "padding": 1,
        },
        {"name": "relu10", "kind": "relu", "inputs": ["conv10"]},
        {"name": "gap10", "kind": "global_average_pool", "inputs": ["relu10"]},
    ]  # fmt: skip


def _fire(name: str, source: str, width: int) -> Nodes:
    def conv(part: str, read: str, filters: int, kernel: int) -> Nodes:
        node = {"name": f"{name}_{part}", "kind": "conv", "inputs": [read]}
        relu = {"name": f"{name}_{part}_relu", "kind": "relu", "inputs": [node["name"]]}
        return [{**node, "filters": filters, "kernel": kernel, "padding": "same"}, relu]

    squeezed = f"{name}_squeeze1x1_relu"
    halves = [f"{name}_expand1x1_relu", f"{name}_expand3x3_relu"]
    return [
        *conv("squeeze1x1", source, width, 1),
        *conv("expand1x1", squeezed, 4 * width, 1),
        *conv("expand3x3", squeezed, 4 * width, 3),
        {"name": f"{name}_concat", "kind": "concat", "inputs": halves},
    ]


_BUILDERS: dict[str, Callable[[int], Nodes]] = {
    "cnn-48-32-16": _plain_cnn(48, 32, 16),
    "cnn-32-16-8": _plain_cnn(32, 16, 8),
    "cnn-32-16": _plain_cnn(32, 16),
    "cnn-pool-dropout": _pool_dropout,
    "cnn-32-64-128": _three_blocks,
    "mlp-512-100": _mlp,
    "cnn-gap": _gap,
    "squeezenet-1.0": _squeezenet,
}

IN_FOLDER, WEIGHTS_IN_FOLDER = "architecture.json", "weights.safetensors"
"""The files of a network's folder: one that was imported, or made likewise."""
_USERS: dict[str, tuple[Architecture, str]] = {}
"""Name with digest -> a user's architecture and where it was read."""
_FIXED: dict[str, tuple[InputShape, int]] = {"squeezenet-1.0": ((227, 227, 3), 1000)}


def names() -> list[str]:
    """The registered architectures that commands take unasked; `published` has more."""
    return list(_BUILDERS)


def fixed(name: str) -> bool:
    """Whether it is a registered architecture with an input shape and classes of its own."""
    return name in _FIXED or name in published.BUILDERS


@cache
def get(name: str, input_shape: InputShape = (28, 28, 1), classes: int = 10) -> Architecture:
    """A registered architecture at a data set's shape, or the one in a JSON file.

    A JSON file, `squeezenet-1.0` and those that are `published` carry their own input shape and
    number of classes. Raises BadInput for an unknown name or a file that is not an architecture.
    """
    if name in _USERS:
        return _USERS[name][0]
    if name.endswith(".json"):
        return graph.read(Path(name))
    builders = {**_BUILDERS, **published.BUILDERS}
    if name not in builders:
        mend = unknown("architecture", name, builders)
        raise BadInput(f"{mend} (or the path of a .json file)")
    large = (published.INPUT_SHAPE, published.CLASSES)
    own = {**_FIXED, **dict.fromkeys(published.BUILDERS, large)}
    input_shape, classes = own.get(name, (input_shape, classes))
    nodes = builders[name](classes)
    form = {"name": name, "input_shape": input_shape, "classes": classes, "nodes": nodes}
    return graph.parse(form, name)


def take(name: str) -> str:
    """The name that an architecture has in cells and rows; a JSON file is read here, and only here.

    A file's is its stem with a digest of its graph, so never that of a registered one, and another
    once it is edited. Raises BadInput for an unknown name or a file that is none.
    """
    if not name.endswith(".json"):
        get(name)
        return name
    path = Path(name).absolute()
    architecture = graph.read(Path(name))
    called = path.parent.name if path.name == IN_FOLDER else path.stem
    stem = re.sub(r"[^\w.+-]", "_", called, flags=re.ASCII)[:60] or "network"
    known = f"{stem}-{digest(architecture)}"
    _USERS[known] = replace(architecture, name=known), str(path)
    return known


def forms(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The JSON forms of those of these architectures that are users', for another process."""
    return {name: graph.document(_USERS[name][0]) for name in names if name in _USERS}


def include(given: Mapping[str, Mapping[str, Any]]) -> None:
    """Take what another process has told with `forms`."""
    for name, form in given.items():
        _USERS[name] = graph.parse(form, name), name


def typed(name: str) -> str:
    """What names an architecture on the command line: for a user's the file it was read from."""
    return _USERS[name][1] if name in _USERS else name


def own_weights(name: str) -> Path | None:
    """The weights of a user's network that was read from a folder of both; None for others."""
    path = Path(typed(name))
    beside = path.with_name(WEIGHTS_IN_FOLDER)
    return beside if path.name == IN_FOLDER and beside.exists() else None


def file_name(name: str) -> str:
    """What stands for an architecture in the names of files, with `digest` for a JSON file.

    So one that was edited is another network. Raises BadInput for a file that is none.
    """
    if not name.endswith(".json"):
        return name
    return f"{Path(name).stem}-{digest(graph.read(Path(name)))}"


def digest(architecture: Architecture) -> str:
    """Twelve hexadecimal digits that stand for a graph: its nodes with every setting."""
    text = json.dumps(graph.document(architecture), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
