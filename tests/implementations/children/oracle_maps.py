"""What a method's oracle makes of images: for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations import frameworks, methods
from implementations.arrays import Array, Intermediates


def explained(
    name: str,
    network: Any,
    images: Array,
    targets: Array,
    layer: str | None = None,
    score: str = "",
    seed: int = 0,
    **options: str,
) -> Intermediates:
    """All that a method makes of images (N, H, W, C) and targets (N,), in float64.

    `layer` is a node's own name, the method's own where none is given.
    """
    method, oracle = methods.load(name), frameworks.load(frameworks.REFERENCE)
    place = layer or method.layer(network.architecture, None)
    resolved = method.resolve(options, score)
    explain = method.bind(
        frameworks.REFERENCE, oracle, network, place, resolved, method.outputs, seed=seed
    )
    return explain(images, targets)


def whole(explain: Any) -> Any:
    """What a builder is given where nothing is to be compiled."""
    return explain


def kinks(network: Any, layer: str, images: Array) -> Array:
    """Per image (N,), how near a switch past the layer is: infinity where there is none."""
    margins = [np.full(len(images), np.inf)]
    network = network.watched(margins)
    activations, rest = network.features(layer, images)
    network.pull_back(layer, activations, rest, np.zeros(len(images), int), "logit")
    return np.min(margins, axis=0)
