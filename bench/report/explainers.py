"""Explainers beside each other, from the rows of the `contrast` stage."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bench.report.frame import groups
from bench.report.statistics import middle

PLACE = ("dataset", "architecture", "device", "machine_id")
_READ = (
    *PLACE, "library", "method", "column", "status", "reason", "stale", "median_ms", "batch",
    "evaluations", "peak_rss_mb", "n_images", "metric", "against", "subset", "value",
)  # fmt: skip
"""The columns that are read here: a frame of all of them is slow to cut up."""


@dataclass
class Explainer:
    """What one explainer costs and is worth.

    `quality` maps (metric, subset) to a value, `likeness` (metric, other explainer's name) to one.
    Not finite where not measured; `status` and `reason` say why a cost is missing.
    """

    name: str
    column: str
    method: str
    library: str
    ms_per_image: float = math.nan
    evaluations: float = math.nan
    peak_rss_mb: float = math.nan
    n_images: float = math.nan
    status: str = ""
    reason: str = ""
    stale: bool = False
    quality: dict[tuple[str, str], float] = field(default_factory=dict)
    likeness: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        """Whether there is anything to show but a reason."""
        return bool(self.quality or self.likeness) or math.isfinite(self.ms_per_image)


def places(frame: pd.DataFrame) -> list[tuple[dict[str, Any], list[Explainer]]]:
    """The explainers of each data set, architecture, device and machine, by name."""
    rows = frame.loc[frame["stage"] == "contrast", list(_READ)]
    found = []
    for key, mine in groups(rows, PLACE):
        explainers = [_explainer(k, r) for k, r in groups(mine, ("library", "method", "column"))]
        _both_ways(explainers)
        found.append((key, explainers))
    return found


def matrix(explainers: list[Explainer], metric: str) -> pd.DataFrame:
    """Likeness by a metric, explainers down and across; NaN where it was not measured."""
    names = sorted({e.name for e in explainers if any(m == metric for m, _ in e.likeness)})
    table = pd.DataFrame(np.nan, index=names, columns=names)
    for explainer in explainers:
        for (found, other), value in explainer.likeness.items():
            if found == metric and other in names:
                table.loc[explainer.name, other] = value
    return table


def likeness_metrics(explainers: list[Explainer]) -> list[str]:
    """The likeness metrics that were measured."""
    return sorted({metric for explainer in explainers for metric, _ in explainer.likeness})


def quality_metrics(explainers: list[Explainer]) -> list[str]:
    """The quality metrics that were measured."""
    return sorted({metric for explainer in explainers for metric, _ in explainer.quality})


def _explainer(key: dict[str, Any], rows: pd.DataFrame) -> Explainer:
    own = f"{key['method']} ({key['column']})" if "[" in key["column"] else key["method"]
    name = f"{key['library']}.{key['method']}" if key["library"] else own
    stale = bool(rows["stale"].any())
    found = Explainer(name, key["column"], key["method"], key["library"], stale=stale)
    cost = rows[np.isfinite(rows["median_ms"]) & (rows["status"] == "ok")]
    if len(cost):
        found.ms_per_image = middle(cost["median_ms"] / cost["batch"].clip(lower=1))
        found.evaluations = middle(cost["evaluations"])
        found.peak_rss_mb = middle(cost["peak_rss_mb"])
        found.n_images = middle(cost["n_images"])
    bad = rows[rows["status"] != "ok"]
    if len(bad):
        found.status, found.reason = str(bad.iloc[-1]["status"]), str(bad.iloc[-1]["reason"])
    measured = rows[(rows["metric"] != "") & np.isfinite(rows["value"])]
    medians = measured.groupby(["metric", "against", "subset"])["value"].median()
    for (metric, against, subset), value in medians.items():
        if against:
            found.likeness[metric, against] = float(value)
        else:
            found.quality[metric, subset or "all"] = float(value)
    return found


def _both_ways(explainers: list[Explainer]) -> None:
    """Likeness is symmetric: a pair measured one way round is known the other."""
    by_name = {explainer.name: explainer for explainer in explainers}
    for explainer in explainers:
        for (metric, other), value in list(explainer.likeness.items()):
            if other in by_name:
                by_name[other].likeness.setdefault((metric, explainer.name), value)
