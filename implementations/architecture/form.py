"""The page that documents the JSON form, made of the kinds' own pages.

`python -m implementations.architecture.form > docs/architecture.md` writes it anew.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping
from typing import Any

from implementations.architecture import graph, registered
from implementations.architecture.kinds import KINDS, Kind
from implementations.architecture.settings import DOCUMENT, NODE, REQUIRED, Setting

TEMPLATE = "cnn-32-16"
HEAD = """\
# An architecture as JSON

A network is a JSON file: a list of nodes in an order in which they can be computed. Each has a
`name`, a `kind` and its `inputs`, the names of the nodes it reads; `input` is the images, (height,
width, channels) in [0, 1]. The last node gives the logits, one number a class. What a file omits is
filled in as the tables say, never by a framework's own default. `python -m bench show
--architecture my-network.json` tells what was understood, `python -m bench import` makes such a
file of an ONNX file, and every command that takes `--architecture` takes a path.

The weights are a safetensors file of float32 tensors, `conv1.kernel` for the kernel of the node
`conv1`. Side by side in a folder, as `architecture.json` and `weights.safetensors`, both are named
by `--network FOLDER`.

This page is made of the kinds' own pages in `implementations/architecture/kinds/`.
"""


def page() -> str:
    """The page, in Markdown."""
    form = graph.document(registered.get(TEMPLATE))
    nodes = ",\n".join(f"  {json.dumps(node)}" for node in form.pop("nodes"))
    example = f'{json.dumps(form)[:-1]}, "nodes": [\n{nodes}\n]}}'
    parts = [
        HEAD,
        f"`{TEMPLATE}` in this form:\n\n```json\n{example}\n```\n",
        "## The file\n\n" + _table(DOCUMENT),
        "## Every node\n\n" + _table(NODE),
        "## Kinds\n\n" + ", ".join(f"[`{name}`](#{name})" for name in KINDS) + "\n",
        *(_kind(kind) for kind in KINDS.values()),
    ]
    return "\n".join(parts)


def _kind(kind: Kind) -> str:
    """A kind's section: what it computes, its settings, its tensors."""
    told = [f"### {kind.name}\n", kind.about + "\n"]
    if kind.settings:
        told.append(_table(kind.settings))
    if kind.joins:
        told.append("It reads several nodes.\n")
    held = getattr(kind.module, "parameters", None)
    if held is not None:
        told.append(f"Tensors: {inspect.getdoc(held)}\n")
    if kind.corners:
        bends = " and ".join(f"{corner:g}" for corner in kind.corners)
        told.append(f"It bends at {bends}.\n")
    return "\n".join(told)


def _table(settings: Mapping[str, Setting]) -> str:
    rows = [
        f"| `{name}` | {setting.must.replace('|', '/')} | {_default(setting.default)} |"
        for name, setting in settings.items()
    ]
    return "\n".join(
        ["| setting | must be | where it is omitted |", "| --- | --- | --- |", *rows, ""]
    )


def _default(value: Any) -> str:
    return "must be given" if value is REQUIRED else f"`{json.dumps(value)}`"


if __name__ == "__main__":
    sys.stdout.write(page())
