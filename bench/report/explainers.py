"""Explainers beside each other: rows of `contrast` and `judge`, and times of the stage `time`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bench.report.frame import Row, groups, records
from bench.report.statistics import middle, typical

PLACE = ("dataset", "architecture", "device", "machine_id")
STAGES = ("contrast", "judge", "time")
_READ = (
    *PLACE, "stage", "library", "method", "explainer", "weights", "column", "status", "reason",
    "stale", "node", "score", "evaluations", "peak_rss_mb", "n_images", "metric", "against",
    "subset", "at", "value", "ci_lo", "ci_hi", "n", "image_hw",
)  # fmt: skip
"""The columns that are read here: a frame of all of them is slow to cut up."""
CONTROL = "control"
"""The library of controls in older rows; now they are those in the oracle's column."""
REFERENCE = "reference"
APART = "apart"
"""The task of rows that compare explainers (`findings.py`)."""
INITIAL = "initial"
SEED = "seed "
"""Weights of another training of the same network begin so."""
OVER = "mean over trainings"
PLAIN = {"options": "", "precision": "float32", "threads": 0}
"""Of a timed cell: an explainer as `contrast` has it."""
TIMED = ("layer", "score", "mode", "batch")


class Value(NamedTuple):
    """A mean over n images and its interval, NaN where it has none."""

    value: float
    low: float = math.nan
    high: float = math.nan
    n: float = math.nan


@dataclass
class Explainer:
    """What one explainer costs and is worth.

    `quality` maps (metric, subset) to a value, `untrained` the same of its maps of the network
    before training, `likeness` (metric, other explainer's name) to one. Not finite where not
    measured; `status` and `reason` say why there is nothing. `timed` says how `ms_per_image` was.
    """

    name: str
    column: str = ""
    method: str = ""
    library: str = ""
    layer: str = ""
    score: str = ""
    ms_per_image: float = math.nan
    timed: str = ""
    evaluations: float = math.nan
    peak_rss_mb: float = math.nan
    n_images: float = math.nan
    status: str = ""
    reason: str = ""
    stale: bool = False
    quality: dict[tuple[str, str], Value] = field(default_factory=dict)
    untrained: dict[tuple[str, str], Value] = field(default_factory=dict)
    likeness: dict[tuple[str, str], Value] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)
    """By metric: two explainers that share one are not told apart."""
    trainings: dict[str, Value] = field(default_factory=dict)
    """By metric: the mean over several trainings, of so many, and its interval."""

    @property
    def measured(self) -> bool:
        """Whether there is anything to show but a reason."""
        return bool(self.quality or self.likeness) or math.isfinite(self.evaluations)

    @property
    def control(self) -> bool:
        """Whether it knows nothing of the network."""
        return self.library == CONTROL or self.column == REFERENCE

    def headline(self, metric: str) -> Value | None:
        """A metric of the images classified correctly; in older rows of all."""
        return self.quality.get((metric, "correct")) or self.quality.get((metric, "all"))


def places(frame: pd.DataFrame) -> list[tuple[dict[str, Any], list[Explainer]]]:
    """The explainers of each data set, architecture, device and machine, by name."""
    scored = frame["stage"].isin(STAGES[:2]) & (frame["task"] != APART)
    scored &= ~frame["weights"].str.startswith(SEED)
    rows = frame.loc[scored, list(_READ)]
    made = zip(rows["library"], rows["method"], rows["column"], strict=True)
    derived = [_name(*each) for each in made]
    rows = rows.assign(explainer=rows["explainer"].where(rows["explainer"] != "", derived))
    found = []
    for key, mine in groups(rows, PLACE):
        explainers = [_explainer(k["explainer"], r) for k, r in records(mine, ("explainer",))]
        _both_ways(explainers)
        _letters(explainers, frame, key)
        _over_trainings(explainers, frame, key)
        sizes = mine.loc[mine["image_hw"] != "", "image_hw"]
        _time(explainers, frame, key, sizes.iloc[0] if len(sizes) else "")
        found.append((key, explainers))
    return found


def matrix(explainers: list[Explainer], metric: str) -> pd.DataFrame:
    """Likeness by a metric, explainers down and across; NaN where it was not measured."""
    names = sorted({e.name for e in explainers if any(m == metric for m, _ in e.likeness)})
    table = pd.DataFrame(np.nan, index=names, columns=names)
    for explainer in explainers:
        for (found, other), value in explainer.likeness.items():
            if found == metric and other in names:
                table.loc[explainer.name, other] = value.value
    return table


def likeness_metrics(explainers: list[Explainer]) -> list[str]:
    """The likeness metrics that were measured."""
    return sorted({metric for explainer in explainers for metric, _ in explainer.likeness})


def quality_metrics(explainers: list[Explainer]) -> list[str]:
    """The quality metrics that were measured."""
    return sorted({metric for explainer in explainers for metric, _ in explainer.quality})


def _name(library: str, method: str, column: str) -> str:
    own = f"{method} ({column})" if "[" in column else method
    return f"{library}.{method}" if library else own


def _explainer(name: str, rows: list[Row]) -> Explainer:
    found = Explainer(name, stale=any(row["stale"] for row in rows))
    made = [row for row in rows if row["stage"] == "contrast" and row["weights"] != INITIAL]
    if made:
        of = itemgetter("column", "method", "library", "node", "score")
        found.column, found.method, found.library, found.layer, found.score = of(made[0])
    cost = [row for row in made if row["status"] == "ok" and math.isfinite(row["evaluations"])]
    if cost:
        found.evaluations = middle([row["evaluations"] for row in cost])
        found.peak_rss_mb = middle([row["peak_rss_mb"] for row in cost])
        found.n_images = middle([row["n_images"] for row in cost])
    for row in made:
        if row["status"] != "ok":
            found.status, found.reason = str(row["status"]), str(row["reason"])
    for row in rows:
        if not row["metric"] or not math.isnan(row["at"]) or not math.isfinite(row["value"]):
            continue
        value = Value(*(float(row[name]) for name in ("value", "ci_lo", "ci_hi", "n")))
        if row["against"]:
            found.likeness[row["metric"], row["against"]] = value
        else:
            of_weights = found.untrained if row["weights"] == INITIAL else found.quality
            of_weights[row["metric"], row["subset"] or "all"] = value
    return found


def _both_ways(explainers: list[Explainer]) -> None:
    """Likeness is symmetric: a pair measured one way round is known the other."""
    by_name = {explainer.name: explainer for explainer in explainers}
    for explainer in explainers:
        for (metric, other), value in list(explainer.likeness.items()):
            if other in by_name:
                by_name[other].likeness.setdefault((metric, explainer.name), value)


def _letters(explainers: list[Explainer], frame: pd.DataFrame, key: dict[str, Any]) -> None:
    """What the judge says of those that it cannot tell apart."""
    rows = frame.loc[(frame["task"] == APART) & (frame["letters"] != "")]
    for name, value in key.items():
        rows = rows[rows[name] == value]
    by_name = {explainer.name: explainer for explainer in explainers}
    for name, metric, found in rows[["explainer", "metric", "letters"]].itertuples(index=False):
        if name in by_name:
            by_name[name].letters[metric] = found


def _over_trainings(explainers: list[Explainer], frame: pd.DataFrame, key: dict[str, Any]) -> None:
    """What holds of an explainer over several trainings of the network."""
    rows = frame.loc[(frame["task"] == APART) & (frame["statistic"] == OVER)]
    for name, value in key.items():
        rows = rows[rows[name] == value]
    by_name = {explainer.name: explainer for explainer in explainers}
    for row in rows.to_dict("records"):
        if row["explainer"] in by_name:
            value = Value(*(float(row[end]) for end in ("value", "ci_lo", "ci_hi", "n")))
            by_name[row["explainer"]].trainings[row["metric"]] = value


def _time(explainers: list[Explainer], frame: pd.DataFrame, key: dict[str, Any], size: str) -> None:
    """Milliseconds per image in the quickest mode and batch that `time` has of the same maps.

    Where this data set was not timed, of another whose images have the same size: what is in an
    image makes no difference to a time.
    """
    same = (frame["stage"] == "time") & (frame["status"] == "ok") & (frame["task"] == "heatmap")
    for column, value in {**key, **PLAIN, "image_hw": size}.items():
        same &= (frame[column] == value) | (column == "dataset")
    rows = frame.loc[same & np.isfinite(frame["quick_ms"])]
    quickest: dict[tuple[str, str, str], tuple[bool, float, str]] = {}
    for cell, mine in groups(rows, ("library", "method", "column", "dataset", *TIMED)):
        ms = typical(mine["quick_ms"]) / max(int(cell["batch"]), 1)
        elsewhere = cell["dataset"] != key["dataset"]
        told = f"{cell['mode']}, batch {cell['batch']}" + f", {cell['dataset']}" * elsewhere
        name = _name(cell["library"], cell["method"], cell["column"]), cell["layer"], cell["score"]
        found = (elsewhere, ms, told)
        quickest[name] = min(quickest.get(name, found), found)
    for explainer in explainers:
        here = quickest.get(
            (explainer.name, explainer.layer, explainer.score), (False, math.nan, "")
        )
        explainer.ms_per_image, explainer.timed = here[1:]
