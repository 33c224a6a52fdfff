"""Cascading randomisation (Adebayo et al. 2018, arXiv 1810.03292): a map of weights drawn anew.

Layer by layer, from the logits down to the input, the weights are drawn anew as training would
begin with them, and the same class is explained: the likeness to the map of the trained network
once all of them are, the mean of three draws. Spearman's rank correlation of the maps, in
`cascading_magnitude` of their magnitudes, in `cascading_ssim` structural similarity. The curves
have every step, 1 at the first (of more than eight layers eight steps). `cascading_zero` is the
share of draws whose map is zero or constant: these are counted and not scored.

1 is a map that does not depend on the weights. A low value is no merit, for noise has one too
(arXiv 2211.12486): it may fail a method, and never tells two apart that pass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case, Curve, Metric
from bench.metrics.random_logit import mean_of_known
from bench.subject.heatmaps import constant

PAPER = "Adebayo et al. 2018, arXiv 1810.03292"
DRAWS, MOST = 3, 8
METRIC = Metric(
    title="likeness after randomisation", paper=PAPER, better="none", needs={"weights"},
    scale="correlation",
    columns={
        "cascading_magnitude": Metric(
            title="likeness of magnitudes after randomisation", paper=PAPER, better="none",
            scale="correlation",
        ),
        "cascading_ssim": Metric(
            title="likeness after randomisation, SSIM", paper=PAPER, better="none",
            scale="correlation",
        ),
        "cascading_zero": Metric(
            title="zero maps after randomisation", paper=PAPER, better="none"
        ),
    },
)  # fmt: skip
NAMES = ("cascading_randomisation", *METRIC.columns)


def measure(case: Case) -> dict[str, NDArray[np.float64]]:
    """Likeness (N,), -1 to 1, and the share of zero maps, with all weights drawn anew."""
    counts = steps(case.redrawn.layers)
    found = [_compared(case, int(count)) for count in counts]
    at = counts / counts[-1]
    for name in found[0]:
        case.curves[name] = Curve(at, np.stack([each[name] for each in found], axis=1))
    return found[-1]


def steps(layers: int) -> NDArray[np.int64]:
    """How many layers are drawn anew at each step: none to all, in deep networks not each."""
    return np.unique(np.rint(np.linspace(0, layers, min(layers, MOST) + 1)).astype(np.int64))


def _compared(case: Case, count: int) -> dict[str, NDArray[np.float64]]:
    """The four (N,) with so many layers drawn anew, the mean of the draws."""
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in NAMES}
    for draw in range(DRAWS if count else 1):
        maps = case.redrawn.explain(count, draw) if count else case.maps
        signed, magnitudes = Case(case.maps, other=maps), Case(abs(case.maps), other=abs(maps))
        flat = constant(maps)
        values = signed.value("spearman"), magnitudes.value("spearman"), signed.value("ssim")
        for name, each in zip(NAMES, values, strict=False):
            found[name].append(np.where(flat, np.nan, each))
        found["cascading_zero"].append(flat.astype(float))
    return {name: mean_of_known(np.stack(values)) for name, values in found.items()}
