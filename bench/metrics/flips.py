"""Flips: how often the noise of `max_sensitivity` changes the class that is predicted.

Of the 8 images with noise the share whose class is not the target's. It is the network's and the
same for every explainer, and such draws are not dropped there: where it is large, a map that moves
may be right to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.metrics.max_sensitivity import DRAWS, noisy

METRIC = Metric(
    title="class changed by noise", paper="Yeh et al. 2019, arXiv 1901.09392",
    better="none", needs={"model"},
)  # fmt: skip


def measure(case: Case) -> NDArray[np.float64]:
    """Share (N,) of the draws, 0 to 1."""

    def evaluate() -> NDArray[np.float64]:
        labels = (case.model.scores(noisy(case, n), case.targets).label for n in range(DRAWS))
        share: NDArray[np.float64] = np.mean([label != case.targets for label in labels], axis=0)
        return share

    found: NDArray[np.float64] = case.model.once("flips", evaluate)
    return found
