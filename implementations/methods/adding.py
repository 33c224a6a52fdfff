"""Explainers of many passes whose answers are added up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from implementations.arrays import Array, Draws, Intermediates
from implementations.contract import Explain, Network
from implementations.methods.passes import parts

One = Callable[..., tuple[Array, ...]]
"""(network, images, targets, the draws of a pass) -> what is to be added up."""
Ended = Callable[..., Intermediates]
"""(network, images, targets, the sums) -> every intermediate."""


def added(count: int, draws: Sequence[str], one: One, ended: Ended) -> Explain:
    """The explainer that adds up passes over `count` draws: the arrays of these names."""

    def explain(network: Network, images: Array, targets: Array, given: Draws) -> Intermediates:
        passes = parts(count, network.capacity // images.shape[0])
        found = [one(network, images, targets, *(given[d][some] for d in draws)) for some in passes]
        sums: Any = map(sum, zip(*found, strict=True))
        return ended(network, images, targets, *sums)

    return explain
