"""What a row is of: the resolved layer, the images, the grid, the factors that vary, the work.

Filled in once, where a row is written, by the code as it is then: tables read rows and never ask
what a name meant. Rows published before there were these columns get them when they are read
(`older.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bench.record.cell import Cell
from bench.record.grid import varies
from implementations import libraries, methods
from implementations.architecture import registered, weights
from implementations.architecture.graph import Architecture, layers, resolve_layer
from implementations.errors import BadInput, Unavailable

Row = dict[str, Any]
DEFAULTS = "its defaults"


def of(cell: Cell, context: Mapping[str, Any]) -> Row:
    """The columns that say what a cell is of; without those that cannot be known here.

    `context` is what children are told: the `images` of each data set, and of timed cells the
    `grid` with its name, its base network and its batch.
    """
    offered = offer(cell.library, cell.method)
    grid = context.get("grid") if cell.stage == "time" else None
    around = {"grid": grid["name"], "varies": varies(vars(cell), **grid["base"])} if grid else {}
    try:
        graph = _graph(cell.architecture, str(context["images"][cell.dataset]))
    except (BadInput, KeyError):
        return offered | around
    read = layer(graph, cell.layer, cell.method, cell.library)
    return offered | around | network(graph) | read | work(graph, cell)


def offer(library: str, method: str) -> Row:
    """Which of our methods a library's explainer is like, and how the two differ."""
    if not library:
        return {}
    try:
        found = libraries.describe(library).offers[method]
    except (BadInput, KeyError):
        return {}
    same = ", ".join(f"{name}={value}" for name, value in (found.canonical or {}).items())
    same = "" if found.canonical is None else same or DEFAULTS
    return {"like": found.like, "same_with": same, "difference": found.difference}


def network(graph: Architecture) -> Row:
    """Size of the images and number of classes."""
    height, width, _ = graph.input_shape
    return {"image_hw": f"{height}x{width}", "classes": graph.classes}


def layer(graph: Architecture, name: str, method: str, library: str) -> Row:
    """The node that a heatmap's layer means, its position and depth; nothing where none is read."""
    try:
        if not method or _at(method, library) != "layer":
            return {}
        node = resolve_layer(graph, name or None)
    except (BadInput, KeyError):
        return {}
    spatial = layers(graph)
    order = [each.name for each in graph.nodes].index(node) + 1 if node != "input" else 0
    return {"node": node, "order": order, "depth": spatial.index(node) / max(len(spatial) - 1, 1)}


def work(graph: Architecture, cell: Cell) -> Row:
    """Of a method of ours, how many images it pulls back, and puts through the head alone."""
    if not cell.method or cell.library:
        return {}
    try:
        method = methods.load(cell.method)
        options = method.resolve(dict(cell.options))
        cost = method.cost(options, graph, method.layer(graph, cell.layer or None))
    except (BadInput, KeyError, Unavailable):  # such a row says why it has no map
        return {}
    return {"pullbacks": cost.backward, "heads": cost.head}


def _at(method: str, library: str) -> str:
    return libraries.describe(library).method(method).at if library else methods.load(method).at


@cache
def _graph(name: str, images: str) -> Architecture:
    """An architecture at the size of the images in a file of `prepare_images`."""
    arrays = weights.load(Path(images))
    height, width, channels = arrays["images"].shape[1:]
    return registered.get(name, (height, width, channels), int(arrays["classes"].item()))
