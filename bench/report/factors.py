"""Which cells of a run differ from its base in one factor only.

The base is the network with most cells, at the deepest layer of its Grad-CAM, in float32, compiled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bench.report import base
from bench.report.frame import label
from bench.report.measured import Measured
from bench.report.same_run import Place

MODE = "compiled"
FACTORS = ("base", "layer", "precision", "architecture", "method")
THE_METHOD = {
    "task": "heatmap", "library": "", "method": "grad_cam", "options": "", "score": "logit",
    "optimizer": "",
}  # fmt: skip


class Base(NamedTuple):
    """A network with the layer and the precision that a grid is laid around."""

    place: Place
    layer: str
    precision: str


class Step(NamedTuple):
    """A cell and the base cell it differs from in one factor, which has this value instead."""

    factor: str
    value: str
    cell: Measured
    base: Measured


def steps(found: Sequence[Place]) -> tuple[Base | None, list[Step]]:
    """The base of one run's places, and every cell one factor away from it; the base's own first.

    No base where the network with most cells has no compiled Grad-CAM.
    """
    centre = base_of(max(found, key=lambda place: len(place.cells)))
    if centre is None:
        return None, []
    away = [step for place in found for step in _steps(centre, place)]
    own = list(dict.fromkeys(step.base for step in away))
    return centre, [*(Step("base", "", cell, cell) for cell in own), *away]


def base_of(place: Place) -> Base | None:
    """The base of a place; None where it has no compiled Grad-CAM."""
    whats = [c.timing.what for c in place.cells if _compiled(c) and _is_grad_cam(c.timing.what)]
    if not whats:
        return None
    name = place.key["architecture"]
    last = base.by_depth(name, (what["layer"] for what in whats))[-1]
    known = base.precisions(what["precision"] for what in whats)
    return Base(place, base.layer_name(name, last), known[0])


def _steps(centre: Base, place: Place) -> Iterator[Step]:
    own = centre if place is centre.place else base_of(place)
    for cell in place.cells if own else ():
        assert own is not None
        if _compiled(cell):
            step = _within(own, cell) if own is centre else _network(centre, own, cell)
            if step is not None:
                yield step


def _within(centre: Base, cell: Measured) -> Step | None:
    """The step to a cell of the base's own network."""
    timing, place = cell.timing, centre.place
    what = timing.what
    away = _away(centre, cell)
    if away == ["layer"]:
        return _step("layer", place.layer(timing), cell, place.like(timing, layer=centre.layer))
    if away == ["precision"]:
        other = place.like(timing, precision=centre.precision)
        return _step("precision", what["precision"], cell, other)
    if away == ["method"] and what["task"] == "heatmap":
        other = place.like(timing, **THE_METHOD, layer=centre.layer)
        return _step("method", label(what), cell, other)
    return None


def _network(centre: Base, own: Base, cell: Measured) -> Step | None:
    """The step to a cell of another network, at its own deepest layer, with its own weights."""
    what, key = cell.timing.what, own.place.key
    if _away(own, cell) or what["precision"] != centre.precision:
        return None
    layer = centre.layer if what["task"] == "heatmap" else ""
    weights = sorted({one.timing.what["weights"] for one in centre.place.cells})
    found = (centre.place.like(cell.timing, layer=layer, weights=one) for one in weights)
    name = key["architecture"]
    name += "" if key["dataset"] == centre.place.key["dataset"] else f" ({key['dataset']})"
    return _step("architecture", name, cell, next((one for one in found if one), None))


def _step(factor: str, value: str, cell: Measured, other: Measured | None) -> Step | None:
    return None if other is None else Step(factor, value, cell, other)


def _away(own: Base, cell: Measured) -> list[str]:
    """In what a cell is away from its own network's base; a forward pass counts as the base's."""
    what = cell.timing.what
    away = {
        "layer": own.place.layer(cell.timing) not in ("", "input", own.layer),
        "precision": what["precision"] != own.precision,
        "method": what["task"] != "forward" and not _is_grad_cam(what),
    }
    return [name for name, other in away.items() if other]


def _compiled(cell: Measured) -> bool:
    timing = cell.timing
    return timing.mode == MODE and timing.estimate is not None and not timing.what["library"]


def _is_grad_cam(what: Mapping[str, Any]) -> bool:
    return all(what[name] == value for name, value in THE_METHOD.items())
