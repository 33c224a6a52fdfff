"""Blank: the score that is left of an image when every pixel is filled.

The target's probability where nothing of the image is there, at which `deletion` ends and
`insertion` begins. It is the network's and the same for every explainer: far from chance it says
that the fill is itself evidence (Hase et al. 2021, arXiv 2106.00786).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.metrics.deletion import ends

METRIC = Metric(
    title="blank image", paper="Hase et al. 2021, arXiv 2106.00786",
    better="none", needs={"model"},
)  # fmt: skip


def measure(case: Case) -> NDArray[np.float64]:
    """Probability (N,) of the targets, 0 to 1."""
    return ends(case)[1]
