"""What `explain --picture` shows beside the method asked for: more methods, layers and classes."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.cli import user_files
from bench.cli.options import Single
from bench.record.cell import Cell
from bench.stages.explain import Explanation, explain
from bench.subject import names
from bench.subject.explainer import method_of
from bench.subject.sheet import Panel
from implementations.architecture import weights
from implementations.architecture.graph import Architecture, layers
from implementations.errors import BadInput, Unavailable, unknown

TARGET = -1
"""The class that is explained anyway; -2 is the strongest class of an image, -3 the second."""
MOST_CLASSES = 20
MOST_DIGITS = 20
"""Of a class's number: a text of thousands is no number in Python."""


class Place(NamedTuple):
    """One method at one layer, as it is told on a sheet."""

    method: str
    layer: str


@dataclass(frozen=True)
class Wanted:
    """What a sheet shows: places, and of each these classes."""

    places: tuple[Place, ...]
    aims: tuple[int, ...]

    def line(self, place: Place) -> str:
        """What stands in one line with this place: its classes, the layers of a method, or all."""
        if len(self.aims) > 1:
            return str(place)
        methods = len({each.method for each in self.places})
        return place.method if 1 < methods < len(self.places) else ""


def wanted(
    asked: Single, cell: Cell, architecture: Architecture, called: Sequence[str]
) -> Wanted | None:
    """What a sheet is to show; None where it is of the one method, layer and target alone.

    Methods of a family that this network or column cannot have are left out, and said; one that is
    named is refused. Raises BadInput and Unavailable.
    """
    if not (asked.methods or asked.layers or asked.classes):
        return None
    if not asked.picture:
        raise BadInput("--methods, --layers and --classes are of the picture; name --picture too")
    places: dict[Place, None] = {}
    for name in asked.methods or (cell.method,):
        family = [] if asked.library else names.family(name)
        for method in family or [names.spelled(name)]:
            try:
                places |= dict.fromkeys(_places(cell, method, asked.layers, architecture))
            except (BadInput, Unavailable) as error:
                if not family:
                    raise
                print(f"python -m bench explain: left out: {error}", file=sys.stderr)  # noqa: T201
    if not places:
        raise BadInput("--methods: none of these can be drawn of this network")
    return Wanted(tuple(places), _aims(asked.classes, called))


def _places(cell: Cell, name: str, asked: Sequence[str], architecture: Architecture) -> list[Place]:
    """A method at each layer asked for; one that reads none, once."""
    method = method_of(replace(cell, method=name))
    if method.every_class:
        raise BadInput(f"{name}: its maps are of every class; name the method of one class")
    method.builder(cell.framework)
    if method.at == "input" and method.card.reads != "layer":
        return [Place(name, method.layer(architecture, None))]
    if tuple(asked) == ("all",):
        asked = [layer for layer in layers(architecture) if layer != "input"]
    at = asked or [cell.layer]
    return [Place(name, method.layer(architecture, layer or None)) for layer in at]


def _aims(asked: Sequence[str], called: Sequence[str]) -> tuple[int, ...]:
    """Classes by number or name, `all` of a few, or the strongest: `top3`. Raises BadInput."""
    found: dict[int, None] = {}
    for text in asked:
        top = re.fullmatch(r"top(\d{1,2})", text)
        if text == "all" or top:
            count = int(top[1]) if top else len(called)
            if not 1 <= count <= min(MOST_CLASSES, len(called)):
                most = min(MOST_CLASSES, len(called))
                raise BadInput(f"--classes {text}: {count} classes; 1 to {most} are drawn")
            found |= dict.fromkeys(range(-2, -2 - count, -1) if top else range(count))
        elif text.isascii() and text.isdecimal():
            if len(text) > MOST_DIGITS or int(text) >= len(called):
                raise BadInput(f"--classes {text}: not one of 0 to {len(called) - 1}")
            found[int(text)] = None
        else:
            lowered = [name.lower() for name in called]
            if text.lower() not in lowered:
                raise BadInput(f"--classes: {unknown('class', text, called)}")
            found[lowered.index(text.lower())] = None
    return tuple(found) or (TARGET,)


def make(
    cell: Cell, architecture: Architecture, tensors: Mapping[str, Any], images: NDArray[Any],
    context: Mapping[str, Any], tell: Callable[[str], None],
) -> None:  # fmt: skip
    """The child's part: the maps of every place in a file of its own, classes side by side."""
    known = weights.load(Path(context["out"]), only=["logits", "targets"])
    count = len(images)
    aims = targets(known["logits"][:count], known["targets"][:count], context["aims"])
    background = user_files.background(context["background"])
    repeated = np.concatenate([images] * len(context["aims"]))
    for number, (method, layer) in enumerate(context["places"]):
        one = replace(
            cell, method=method, layer="" if layer == "input" else layer,
            options=cell.options if method == cell.method else (), score="",
        )  # fmt: skip
        one = replace(one, score=method_of(one).card.score)
        out = file(Path(context["sheet"]), number)
        tell(f"{method}, {layer}")
        request = Explanation(repeated, aims.ravel(), out, False, cell.batch, background=background)
        explain(one, architecture, tensors, request, lambda text: None)


def file(folder: Path, number: int) -> Path:
    """Where the maps of a place lie."""
    return folder / f"panel-{number}.safetensors"


def targets(
    logits: NDArray[Any], explained: NDArray[Any], aims: Sequence[int]
) -> NDArray[np.int32]:
    """The classes (aims, n) of n images, of their logits (n, K)."""
    order = np.argsort(-logits, axis=1, kind="stable")
    found = [
        explained if aim == TARGET else order[:, -2 - aim] if aim < 0 else np.full(len(logits), aim)
        for aim in aims
    ]
    return np.stack(found).astype(np.int32)


def read(
    folder: Path, want: Wanted, logits: NDArray[Any], explained: NDArray[Any], called: Sequence[str]
) -> list[list[Panel]]:
    """The panels that a child made, line by line."""
    aims = targets(logits, explained, want.aims)
    lines: dict[str, list[Panel]] = {}
    for number, place in enumerate(want.places):
        maps = weights.load(file(folder, number), only=["upsampled"])["upsampled"]
        for of, heat in zip(aims, np.split(maps, len(aims)), strict=True):
            line = lines.setdefault(want.line(place), [])
            line.append(Panel(heat, says(place, logits, of, called)))
    return list(lines.values())


def says(
    place: Place, logits: NDArray[Any], of: NDArray[Any], called: Sequence[str]
) -> list[list[str]]:
    """Each image's lines: the method, the layer, the class with its probability."""
    layer = "" if place.layer == "input" else f"at {place.layer}"
    return [
        [place.method, layer, told(row, int(k), called)] for row, k in zip(logits, of, strict=True)
    ]


def told(logits: NDArray[Any], k: int, called: Sequence[str]) -> str:
    """A class by name, with its probability."""
    shifted = np.exp(np.asarray(logits, np.float64) - np.max(logits))
    return f"{called[k]} {shifted[k] / shifted.sum():.1%}"
