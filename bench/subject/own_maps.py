"""A method of ours by its name, options in it or not: its map by the oracle, and its variants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations import frameworks, methods
from implementations.arrays import Floats
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
    """Its map (N, h, w) before any ReLU, of its draws of seed 0; None where it has not this score.

    Raises BadInput for a method or an option that there is not.
    """
    method = methods.load(name)
    if score not in method.card.scores:
        return None
    options = method.resolve({RELU: "false"} if RELU in method.options else {}, score)
    explain = method.bind(
        frameworks.REFERENCE, frameworks.load(frameworks.REFERENCE), network, node, options
    )
    found: Floats = explain(images, targets)["heatmap"]
    return found


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


def bare_name(name: str) -> str:
    """A method's name without its options."""
    return methods.parted(name)[0]
