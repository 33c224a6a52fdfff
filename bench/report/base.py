"""The base that a grid of times is laid around: float32, the deepest layer, one batch.

Tables for people show the base and what one of them varies; the CSV files beside them have it all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from implementations.architecture import registered
from implementations.architecture.graph import Architecture, resolve_layer
from implementations.errors import BadInput

What = Mapping[str, Any]
PRECISION = "float32"
BATCH = 64
THING = ("task", "library", "method", "options", "score")
"""What tells one thing done from another, whatever its toggles."""


def precisions(values: Iterable[str]) -> list[str]:
    """`float32` where it is among them, or else each of them."""
    known = sorted(set(values))
    return [PRECISION] if PRECISION in known else known


def layer_name(architecture: str, layer: str) -> str:
    """The node a layer's name means; empty means the last convolution, as for Grad-CAM.

    The name itself where the architecture is not known here.
    """
    graph = _known(architecture)
    if graph is None:
        return layer
    try:
        return resolve_layer(graph, layer or None)
    except BadInput:
        return layer


def by_depth(architecture: str, layers: Iterable[str]) -> list[str]:
    """Names of layers from the images on; the default layer, which has no name, is the last.

    Where the architecture is not known here, by the numbers in the names.
    """
    graph = _known(architecture)
    order = {node.name: n for n, node in enumerate(graph.nodes)} if graph else {}

    def depth(layer: str) -> tuple[Any, ...]:
        place = order.get(layer_name(architecture, layer), -1)
        return (not layer, layer != "input", place, _natural(layer))

    return sorted(set(layers), key=depth)


def plain(architecture: str, whats: Sequence[What]) -> list[What]:
    """Those at the deepest layer and the base precision that each thing done was measured at."""
    kept: set[int] = set()
    for mine in _things(whats):
        last = by_depth(architecture, (what["layer"] for what in mine))[-1]
        known = precisions(what["precision"] for what in mine if what["layer"] == last)
        kept |= {id(w) for w in mine if w["layer"] == last and w["precision"] in known}
    return [what for what in whats if id(what) in kept]


def one_batch(whats: Sequence[What]) -> list[What]:
    """One batch of each thing done, where forward passes of several were timed.

    That batch is 64, or else the most common one; what was not timed at it stays at its largest.
    """
    forward = Counter(what["batch"] for what in whats if what["task"] == "forward")
    if len(forward) < 2:
        return list(whats)
    chosen = common_batch(whats)
    kept: set[int] = set()
    for mine in _things(whats):
        batches = {what["batch"] for what in mine}
        only = chosen if chosen in batches else max(batches)
        kept |= {id(what) for what in mine if what["batch"] == only}
    return [what for what in whats if id(what) in kept]


def common_batch(whats: Iterable[What]) -> int:
    """64 where it is among them, or else the most common batch, of those the largest; 0 of none."""
    counts = Counter(int(what["batch"]) for what in whats)
    if BATCH in counts:
        return BATCH
    return max(counts, key=lambda batch: (counts[batch], batch), default=0)


def _things(whats: Sequence[What]) -> list[list[What]]:
    found: dict[tuple[Any, ...], list[What]] = {}
    for what in whats:
        found.setdefault(tuple(what[name] for name in THING), []).append(what)
    return list(found.values())


@cache
def _known(architecture: str) -> Architecture | None:
    try:
        return registered.get(architecture)
    except BadInput:
        return None


def _natural(name: str) -> list[tuple[int, str]]:
    """`relu10` after `relu9`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
