"""Random logit (Sixt et al. 2020, arXiv 1912.09818): how alike the maps of other classes are.

The mean likeness between the map of the target and those of the other classes: of all of them where
there are at most ten classes, else of five drawn for the image. Spearman's rank correlation, and in
`random_logit_ssim` structural similarity. 1 is a map that does not say which class it explains; of
two classes and a score that is linear in both, a signed map has -1. NaN where it is undefined for
every class drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric

METRIC = Metric(
    title="likeness of other classes' maps", paper="Sixt et al. 2020, arXiv 1912.09818",
    better="none", needs={"explain", "classes"},
    scale="correlation",
    columns={
        "random_logit_ssim": Metric(
            title="likeness of other classes' maps, SSIM", paper="arXiv 1912.09818", better="none",
            scale="correlation",
        ),
    },
)  # fmt: skip
ALL, DRAWN = 10, 5
"""Classes up to which every other one is explained, and how many of more are."""


def measure(case: Case) -> dict[str, NDArray[np.float64]]:
    """Mean rank correlation and SSIM (N,), -1 to 1."""
    found: dict[str, list[NDArray[np.float64]]] = {"spearman": [], "ssim": []}
    for targets in others(case).T:
        pair = Case(case.maps, other=case.explain(case.images, targets.astype(np.int32)))
        for name, values in found.items():
            values.append(pair.value(name))
    return {
        "random_logit": mean_of_known(np.stack(found["spearman"])),
        "random_logit_ssim": mean_of_known(np.stack(found["ssim"])),
    }


def others(case: Case) -> NDArray[np.int64]:
    """The other classes (N, K - 1) of each image, or five of them (N, 5)."""
    orders = case.draws.permutations("classes of random logit", case.classes)
    if case.classes <= ALL:
        orders = np.sort(orders, axis=1)
    rest: NDArray[np.int64] = orders[orders != case.targets[:, None]].reshape(len(orders), -1)
    return rest if case.classes <= ALL else rest[:, :DRAWN]


def mean_of_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean (N,) over the first axis of what is defined; NaN where nothing is."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
