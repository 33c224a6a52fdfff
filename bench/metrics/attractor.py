"""Attractor: the class that half-empty images fall into (Hase et al. 2021, arXiv 2106.00786).

Half of the pixels of each image are filled in a random order; of all images the class that is
predicted most often is the attractor, and the value is 1 for an image that falls into it. So the
mean is the share of images that one class gets when a map knows nothing: near 1, removal with this
fill asks the network about that class more than about the image. It is the network's and the same
for every explainer; 1 over the number of classes is the least there is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.metrics.deletion import KEYS

METRIC = Metric(
    title="attractor of half-empty images", paper="Hase et al. 2021, arXiv 2106.00786",
    better="none", needs={"model"},
)  # fmt: skip


def measure(case: Case) -> NDArray[np.float64]:
    """1 or 0 (N,): whether the image, half filled, falls into the class that most do."""

    def evaluate() -> NDArray[np.float64]:
        size = case.images.shape[1:3]
        order = case.draws.permutations(KEYS, size[0] * size[1])
        kept = (order >= order.shape[1] // 2).reshape(-1, 1, *size)
        labels = case.model.masked(case.images, kept, case.model.fill, case.targets).label[:, 0]
        classes, counts = np.unique(labels, return_counts=True)
        found: NDArray[np.float64] = (labels == classes[counts.argmax()]).astype(float)
        return found

    found: NDArray[np.float64] = case.model.once("attractor", evaluate)
    return found
