"""`list`, everything that can be named on the command line, and `show`, one architecture."""

from __future__ import annotations

import json
from typing import Any

from bench.cli.options import Single
from bench.engine.progress import answer
from bench.subject.catalogue import TEMPLATE, catalogue
from implementations.architecture import registered
from implementations.architecture.graph import layers, resolve_layer
from implementations.architecture.shapes import operations, summary


def show_list(asked: Single) -> int:
    """`list`: as JSON, or as a page to read."""
    from bench.stages import summary

    found = catalogue() | {"metrics": summary.listed()}
    if asked.json:
        answer.print(json.dumps(found, indent=1))
        return 0
    lines = []
    form = found.pop("form")
    for heading, entries in found.items():
        lines.append(f"\n{heading}")
        for entry in entries:
            if isinstance(entry, str):
                lines.append(f"  {entry}")
                continue
            name, *facts = entry.values()
            told = [_fact(fact) for fact in facts if fact not in ("", [], {})]
            lines.append(f"  {name:<20} {'  '.join(told)}")
    lines.append(f"\nan architecture of your own is a .json file of this form ({TEMPLATE})")
    lines += [f"  {line}" for line in _written(form)]
    answer.print("\n".join(lines).lstrip())
    return 0


def _written(form: dict[str, Any]) -> list[str]:
    """A JSON form, a node a line."""
    head = {name: value for name, value in form.items() if name != "nodes"}
    nodes = ",\n".join(f"  {json.dumps(node)}" for node in form["nodes"])
    return f'{json.dumps(head)[:-1]}, "nodes": [\n{nodes}\n]}}'.split("\n")


def show(asked: Single) -> int:
    """`show`: the model summary of an architecture, a node a line."""
    architecture = registered.get(asked.known)
    nodes: list[dict[str, Any]] = [
        {"layer": name, "kind": kind, "shape": list(shape), "parameters": parameters,
         "operations": operations(architecture, [node])}
        for node, (name, kind, shape, parameters) in zip(
            architecture.nodes, summary(architecture), strict=True)
    ]  # fmt: skip
    whole = {
        "architecture": asked.known, "input_shape": list(architecture.input_shape),
        "classes": architecture.classes, "parameters": sum(node["parameters"] for node in nodes),
        "operations": sum(node["operations"] for node in nodes), "layers": layers(architecture),
        "default_layer": resolve_layer(architecture, None) if layers(architecture) else None,
    }  # fmt: skip
    if asked.json:
        answer.print(json.dumps({**whole, "nodes": nodes}, indent=1))
        return 0
    heads = ("layer", "kind", "shape", "parameters", "operations")
    lines = [heads, *(tuple(map(_size, node.values())) for node in nodes)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = [
        "  ".join(f"{text:{'>' if n > 2 else '<'}{widths[n]}}" for n, text in enumerate(line))
        for line in lines
    ]
    reads = f"{whole['architecture']} reads {_size(whole['input_shape'])} images"
    sizes = f"{whole['parameters']:,} parameters, {whole['operations']:,} operations an image"
    foot = f"heatmaps at every layer of three sizes; by default at {whole['default_layer']}"
    foot = foot if whole["layers"] else "no heatmaps at a layer: none has a place in the image"
    answer.print("\n".join([reads, *rows, f"{sizes} (two a multiply-add)", foot]))
    return 0


def _size(value: Any) -> str:
    if isinstance(value, list):
        return " x ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _fact(fact: Any) -> str:
    if isinstance(fact, bool):
        return "installed" if fact else "not here"
    if isinstance(fact, dict):
        return f"({', '.join(fact)})"
    return ", ".join(fact) if isinstance(fact, list) else str(fact)
