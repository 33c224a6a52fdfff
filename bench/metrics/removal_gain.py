"""Removal gain: insertion less deletion, the headline of faithfulness.

The symmetric relevance gain (Bluecher et al. 2024, arXiv 2401.06654): of a random order its
expectation is exactly 0 in any network with any fill, which deletion or insertion alone lack. It
costs nothing beside them. NaN where the map has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric

METRIC = Metric(
    title="removal gain", paper="Bluecher et al. 2024, arXiv 2401.06654",
    better="higher", needs={"model"}, finding=True,
)  # fmt: skip


def measure(case: Case) -> NDArray[np.float64]:
    """Insertion less deletion (N,), -1 to 1."""
    return case.value("insertion") - case.value("deletion")
