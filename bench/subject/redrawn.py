"""A network with weights drawn anew, from the logits down, as training would begin with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture import weights
from implementations.architecture.graph import Architecture
from implementations.arrays import Weights

SEED = 30
"""Of the first draw; the next are those that follow."""
KEPT = (".mean", ".variance")
"""Running statistics of batch norm, which are no weights: they stay."""


class Redrawn:
    """The explained network with its last layers drawn anew; `layers` is how many have weights.

    `explain(weights)` gives the maps (N, H, W) of the network with these weights. Every column
    meets the same ones, for they are drawn in NumPy. `names` are the layers from the logits down,
    `seen` the maps of the first draw, by how many layers it drew anew.
    """

    def __init__(
        self, architecture: Architecture, trained: Weights, kernels: str,
        explain: Callable[[Weights], NDArray[Any]],
    ) -> None:  # fmt: skip
        self._architecture, self._trained, self._kernels = architecture, trained, kernels
        self._explain = explain
        owners = {name.rpartition(".")[0] for name in trained if not name.endswith(KEPT)}
        order = [node.name for node in architecture.nodes if node.name in owners]
        self.names = order[::-1]
        self.layers = len(order)
        self.seen: dict[int, NDArray[Any]] = {}

    def weights(self, count: int, draw: int) -> dict[str, NDArray[np.float32]]:
        """The weights with the `count` layers nearest to the logits drawn anew."""
        drawn = weights.initialise(self._architecture, SEED + draw, self._kernels)
        anew = set(self.names[:count])
        return {
            name: drawn[name]
            if name.rpartition(".")[0] in anew and not name.endswith(KEPT)
            else np.asarray(trained, np.float32)
            for name, trained in self._trained.items()
        }

    def explain(self, count: int, draw: int) -> NDArray[Any]:
        """Maps (N, H, W) with these weights."""
        maps = self._explain(self.weights(count, draw))
        if draw == 0:
            self.seen[count] = maps
        return maps
