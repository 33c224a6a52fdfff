"""The networks of a run: a data set, an architecture, and who trains it."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

from bench.subject.inputs import convolves
from implementations.architecture import registered


class Network(NamedTuple):
    """A data set, an architecture, and who trains it: `all` columns, one by label, or `given`."""

    dataset: str
    architecture: str
    trainer: str


def once(networks: Iterable[Network]) -> list[tuple[str, str]]:
    """Each architecture that all columns train, on its first data set."""
    found: dict[str, str] = {}
    for dataset, architecture, trainer in networks:
        if trainer == "all":
            found.setdefault(architecture, dataset)
    return [(dataset, architecture) for architecture, dataset in found.items()]


def contrasted(networks: Iterable[Network], masked: Container[str]) -> list[tuple[str, str]]:
    """Each architecture on one data set: one that has the objects' true masks, or the first.

    Without those that have no convolution, and so no Grad-CAM to stand beside.
    """
    chosen: dict[str, str] = {}
    for dataset, architecture, _ in networks:
        if not convolves(registered.get(architecture)):
            continue
        if chosen.setdefault(architecture, dataset) not in masked and dataset in masked:
            chosen[architecture] = dataset
    return [(dataset, architecture) for architecture, dataset in chosen.items()]
