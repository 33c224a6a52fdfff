"""Maximum sensitivity (Yeh et al. 2019, arXiv 1901.09392): how far a map moves with faint noise.

The largest of |h(x + d) - h(x)| / |h(x)| (Euclidean) over 8 draws of d, uniform in -0.02 to 0.02 a
pixel and channel, the target fixed and nothing clipped. The number of draws is part of the
definition, for a maximum grows with it. `average_sensitivity` is the mean of the same draws. 0 is
best and belongs to maps that ignore the image: read it beside `centre` and `uniform`. NaN where the
map is zero or anything is not finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Metric
from bench.subject.heatmaps import peak, rows, unit_rows

DRAWS, RADIUS = 8, 0.02
METRIC = Metric(
    title="maximum sensitivity", paper="Yeh et al. 2019, arXiv 1901.09392",
    unit="of the map's norm", better="lower", needs={"explain"}, budget=lambda size: DRAWS,
    scale="unbounded",
    columns={
        "average_sensitivity": Metric(
            title="average sensitivity", paper="Yeh et al. 2019, arXiv 1901.09392",
            unit="of the map's norm", better="lower", scale="unbounded",
        ),
    },
)  # fmt: skip


def measure(case: Case) -> dict[str, NDArray[np.float64]]:
    """Largest and mean relative change (N,), 0 and up; `budget` counts explanations."""
    changes = []
    scale = peak(case.maps)
    unit = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)[:, None]
    norms = np.linalg.norm(unit_rows(case.maps), axis=1)
    for draw in range(DRAWS):
        again = case.explain(noisy(case, draw), case.targets)
        with np.errstate(invalid="ignore"):
            changes.append(np.linalg.norm((rows(again) - rows(case.maps)) / unit, axis=1))
    moved = {"max_sensitivity": np.max(changes, axis=0), "average_sensitivity": np.mean(changes, 0)}
    found = {}
    for name, each in moved.items():  # NaN stays
        undefined = ~np.isfinite(each) | (norms == 0)
        found[name] = np.where(undefined, np.nan, each / np.where(norms > 0, norms, 1.0))
    return found


def noisy(case: Case, draw: int) -> NDArray[np.float32]:
    """The images (N, H, W, C) of one draw."""
    noise = case.draws.uniform(f"sensitivity {draw}", *case.images.shape[1:])
    return (case.images + (2 * RADIUS * noise - RADIUS)).astype(np.float32)
