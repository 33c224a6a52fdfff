"""Explainers that score the images once for each channel of a layer, many channels in a pass."""

from __future__ import annotations

from collections.abc import Callable

from implementations.arrays import Array, Intermediates
from implementations.contract import Compile, Explain, Network
from implementations.methods.passes import blocks

Scored = Callable[[Network, Array, Array, Array], Array]
"""(network, images, targets, some channels of the activations) -> their scores (N, m)."""
Weighted = Callable[[Network, Array, list[Array]], Intermediates]
"""(network, activations, all scores in blocks) -> every intermediate."""


def explained(
    layer: str, compile: Compile, scored: Scored, weighted: Weighted, last: bool = True
) -> Explain:
    """The explainer of compiled steps; `last` says that channels are the activations' last axis."""

    @compile
    def features(network: Network, images: Array) -> Array:
        return network.features(layer, images)[0]

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, scores = features(network, images), []
        channels = activations.shape[-1 if last else 1]
        for some, known in blocks(channels, network.capacity // images.shape[0]):
            part = activations[..., some] if last else activations[:, some]
            scores.append(scored(network, images, targets, part)[:, known:])
        return weighted(network, activations, scores)

    return explain
