"""A method of ours by its name, options in it or not: its map by the oracle, and its variants."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations import frameworks, libraries, methods
from implementations.architecture.graph import Architecture
from implementations.arrays import Floats
from implementations.errors import Unavailable
from implementations.methods.card import Choice, Flag

RELU = "relu"


def unrectified(
    name: str,
    network: Any,
    node: str,
    score: str,
    images: Floats,
    targets: NDArray[np.integer],
) -> Floats | None:
    """Its map (N, h, w) before any ReLU, of its draws of seed 0.

    None where it has not this score, and where its options ask for maps of every class. Raises
    BadInput for a method or an option that there is not.
    """
    method = methods.load(name)
    if score not in method.card.scores:
        return None
    options = method.resolve({RELU: "false"} if RELU in method.options else {}, score)
    explain = method.bind(
        frameworks.REFERENCE, frameworks.load(frameworks.REFERENCE), network, node, options
    )
    found: Floats = explain(images, targets)["heatmap"]
    return found if found.ndim == 3 else None


def variants(name: str) -> Iterator[str]:
    """A method, and the same with each of its choices and flags another."""
    method = methods.load(name)
    bare, given = methods.parted(name)
    yield name
    for option, about in method.options.items():
        if option != RELU and isinstance(about, Choice | Flag):
            values = about.values if isinstance(about, Choice) else ("false", "true")
            mine = str(method.resolve({})[option]).lower()
            for value in values:
                if value != mine:
                    yield methods.called(bare, {**given, option: value})


@lru_cache(maxsize=64)
def stated(bare: str) -> tuple[str, ...]:
    """The settings of a method that a library's offer states to be its own."""
    return tuple(
        made.formula
        for library in libraries.names()
        for offer in libraries.describe(library).offers.values()
        if not isinstance(made := offer.convention, str)
        and made.formula.startswith(f"{bare}[")
    )  # fmt: skip


def bare_name(name: str) -> str:
    """A method's name without its options."""
    return methods.parted(name)[0]


def made(
    name: str, network: Any, node: str, score: str, images: Floats, targets: NDArray[np.integer]
) -> tuple[Floats, Floats]:
    """Its signed map (N, h, w), and its heatmap. Raises BadInput where it has not this score."""
    method = methods.load(name)
    reference = frameworks.load(frameworks.REFERENCE)
    options = method.resolve({}, score)
    explain = method.bind(
        frameworks.REFERENCE, reference, network, node, options, method.outputs
    )  # fmt: skip
    found = explain(images, targets)
    heatmap = np.asarray(found["heatmap"], np.float64)
    return np.asarray(found.get("signed", heatmap), np.float64), heatmap


def score(name: str) -> str:
    """The score that it explains where none is named."""
    return methods.load(name).card.score


def margins(
    name: str, network: Any, node: str, score: str, images: Floats, targets: NDArray[np.integer]
) -> Floats:
    """How near each image (N,) is to where rounding decides its map; infinity where nothing is."""
    found = [np.full(len(images), np.inf)]
    made(name, network.watched(found), node, score, images, targets)
    nearest: Floats = np.min(found, axis=0)
    return nearest


def at_layer(name: str) -> bool:
    """Whether it explains at a layer, not at the image."""
    return methods.load(name).at == "layer"


def read(name: str, architecture: Architecture, node: str) -> str:
    """The node that it reads: the one given, or the images. Raises Unavailable."""
    method = methods.load(name)
    if method.at != "layer" and method.card.reads != "layer":
        return "input"
    if reason := method.card.applies(architecture, node):
        raise Unavailable(reason)
    return node


@lru_cache(maxsize=64)
def relatives(name: str) -> tuple[str, ...]:
    """The other methods of its kind, without those that need draws or map every class."""
    at = methods.load(name).at
    others = [methods.load(each) for each in methods.names() if each != name]
    return tuple(
        each.name for each in others
        if each.at == at and each.card.draws is None and not each.every_class
    )  # fmt: skip
