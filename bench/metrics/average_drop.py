"""Average drop (Chattopadhay et al. 2018, arXiv 1710.11063): how far the map's own mask suffices.

The image is kept as far as the map says: m = relu(h) / max, x' = fill + m (x - fill). With Y and O
the target's probability of x and of x' it is max(0, Y - O) / Y. In the same pass: `increase`,
whether the target's margin rises (it has no ties where the probability saturates); `gain`,
max(0, O - Y) / (1 - Y) (Opti-CAM, Zhang et al. 2023, arXiv 2301.07002); and `mask_area`, the mean
of m. Means are over all images, not over those that dropped.

The uniform map has the best drop there is, and any map of a large area is near it (Poppi et al.
2021, arXiv 2104.10252): never the ground of a finding. A zero map keeps nothing of the image. NaN
where the map has a value that is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import Scores, normalise, rows, sound

METRIC = Metric(
    title="average drop", paper="Chattopadhay et al. 2018, arXiv 1710.11063",
    better="lower", needs={"model"}, budget=lambda size: 1,
    columns={
        "increase": Metric(title="increase in confidence", better="higher"),
        "gain": Metric(title="average gain", better="higher", paper="arXiv 2301.07002"),
        "mask_area": Metric(title="area of the mask", better="none"),
    },
)  # fmt: skip


def measure(case: Case) -> dict[str, NDArray[np.float64]]:
    """Drop, increase, gain and area (N,), each 0 to 1."""
    maps, known = sound(case.maps)
    mask = normalise(maps, "relu_max")
    whole = whole_scores(case)
    kept = case.model.masked(case.images, mask[:, None], case.model.fill, case.targets)
    margin = kept.margin[:, 0]
    values = {
        "average_drop": 1 - _share(margin, whole.margin),
        "increase": (margin > whole.margin).astype(float),
        "gain": 1 - _share(-margin, -whole.margin),
        "mask_area": rows(mask).mean(axis=1),
    }
    return {name: np.where(known, np.maximum(each, 0), np.nan) for name, each in values.items()}


def whole_scores(case: Case) -> Scores:
    """Scores (N,) of the images as they are, the same for all explainers."""
    found: Scores = case.model.once("whole", lambda: case.model.scores(case.images, case.targets))
    return found


def _share(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """sigmoid(a) / sigmoid(b), sound where both are all but 0; at the most 1e300."""
    share: NDArray[np.float64] = np.exp(np.minimum(np.logaddexp(0, -b) - np.logaddexp(0, -a), 690))
    return share
