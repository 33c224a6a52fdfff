"""Where channels of a layer are set to 0, and how many copies of it a pass may hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from implementations.architecture.graph import Architecture, cut
from implementations.arrays import Array, Intermediates
from implementations.contract import Compile, Explain, Network, Options
from implementations.methods.passes import blocks

Steps = tuple[Callable[..., Any], Callable[..., Array], Callable[[Array], Array]]
"""(network, images) -> activations, the values that lose channels, what else the head reads;
(network, these values, that, targets, what is kept) -> what the score loses by each (N, m);
values -> what is kept of them by each (c, c), all but a channel."""
Maps = Callable[[Array, Sequence[Array], bool], Intermediates]
"""(activations, weights in blocks of channels, relu) -> every intermediate."""


def ablated(architecture: Architecture, layer: str) -> str:
    """Where channels are set to 0: at the global average pool that alone reads the layer, or it."""
    readers = [node for node in architecture.nodes if layer in node.inputs]
    pooled = len(readers) == 1 and readers[0].kind == "global_average_pool"
    return readers[0].name if pooled else layer


def copies(network: Network, place: str, images: int) -> int:
    """How many copies of the images' channels a pass through the head from there may hold.

    Such a pass takes the more, the smaller its largest node is beside the network's.
    """
    values = {name: prod(shape) for name, shape in network.architecture.shapes.items()}
    head = [place, *(node.name for node in cut(network.architecture, place).head)]
    largest = max(values[name] for name in head)
    return network.capacity * max(values.values()) // (largest * images)


def explained(place: str, options: Options, compile: Compile, steps: Steps, maps: Maps) -> Explain:
    """The explainer of compiled steps, over blocks of channels set to 0 at a place."""
    features, lost, kept = steps

    @compile
    def weighted(network: Network, activations: Array, weights: list[Array]) -> Intermediates:
        return maps(activations, weights, options.relu)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, values, rest = features(network, images)
        keep, weights = kept(values), []
        for some, known in blocks(keep.shape[0], copies(network, place, images.shape[0])):
            weights.append(lost(network, values, rest, targets, keep[some])[:, known:])
        return weighted(network, activations, weights)  # type: ignore[no-any-return]

    return explain
