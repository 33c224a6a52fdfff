"""A way in which a network may differ from ours: what to try, and the mend if it is the cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from numpy.typing import NDArray

from implementations.architecture import weights
from implementations.architecture.graph import Architecture
from implementations.arrays import Weights
from implementations.errors import BadInput


class Subject(NamedTuple):
    """A network and the images that it is given."""

    architecture: Architecture
    tensors: Weights
    images: NDArray[Any]


class Trial(NamedTuple):
    """`change` of a subject, named in words, and the mend; None where nothing would change."""

    what: str
    mend: str
    change: Callable[[Subject], Subject | None]


def both(first: Trial, second: Trial) -> Trial:
    """One after the other."""

    def change(subject: Subject) -> Subject | None:
        changed = first.change(subject)
        return second.change(changed) if changed else None

    return Trial(f"{first.what} and {second.what}", f"{first.mend}; {second.mend}", change)


def with_settings(of: Subject, changed: Mapping[str, Mapping[str, Any]]) -> Subject | None:
    """Other settings of some nodes; None where they are the same, or the weights do not fit."""
    nodes = tuple(
        replace(node, settings={**node.settings, **changed.get(node.name, {})})
        for node in of.architecture.nodes
    )
    architecture = replace(of.architecture, nodes=nodes)
    if nodes == of.architecture.nodes:
        return None
    try:
        weights.check(architecture, of.tensors)
    except BadInput:
        return None
    return of._replace(architecture=architecture)


def changing(changed: Mapping[str, Mapping[str, Any]]) -> Callable[[Subject], Subject | None]:
    """A trial's change: other settings of some nodes."""
    return lambda subject: with_settings(subject, changed)


def named(names: list[str] | tuple[str, ...]) -> str:
    """`conv1, conv2`, and of many the first and how many."""
    return ", ".join(names) if len(names) < 4 else f"{names[0]} and {len(names) - 1} more"
