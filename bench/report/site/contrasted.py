"""What explainers are worth, line by line, as the page of contrast selects from it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench import metrics
from bench.report.explainers import Explainer, likeness_metrics, matrix, places
from bench.report.frame import groups

PLACE = ("dataset", "architecture", "device", "machine_id")
STAGES = ("contrast", "judge")
SCORED = (
    *PLACE, "explainer", "column", "library", "control", "evaluations", "ms_per_image", "timed",
    "metric", "title", "better", "subset", "value", "low", "high", "n", "untrained", "letters",
    "stale",
)  # fmt: skip
ALIKE = (*PLACE, "metric", "explainer", "other", "value")
CURVE = (*PLACE, "metric", "explainer", "at", "value", "low", "high")
LEFT = (*PLACE, "explainer", "status", "reason")
Found = list[tuple[dict[str, Any], list[Explainer]]]


def frames(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """`scores`, `likeness`, `curves` and `left`, each with the columns named above."""
    found = places(frame)
    lettered = _letters(frame)
    return {
        "scores": pd.DataFrame(_scores(found, lettered), columns=list(SCORED)),
        "likeness": pd.DataFrame(_likeness(found), columns=list(ALIKE)),
        "curves": pd.DataFrame(_curves(frame), columns=list(CURVE)),
        "left": pd.DataFrame(_left(found), columns=list(LEFT)),
    }


def _scores(found: Found, lettered: dict[tuple[Any, ...], str]) -> Iterator[dict[str, Any]]:
    for key, explainers in found:
        for each in explainers:
            about = {"explainer": each.name, "control": each.control}
            names = ("column", "library", "evaluations", "ms_per_image", "timed", "stale")
            about |= {name: getattr(each, name) for name in names}
            for (metric, subset), value in each.quality.items():
                title, better = _described(metric)
                untrained = each.untrained.get((metric, subset))
                yield {
                    **key, **about, "metric": metric, "title": title, "better": better,
                    "subset": subset, "value": value.value, "low": value.low,
                    "high": value.high, "n": value.n,
                    "untrained": untrained.value if untrained else float("nan"),
                    "letters": lettered.get((*key.values(), metric, each.name), ""),
                }  # fmt: skip


def _described(metric: str) -> tuple[str, str]:
    """A metric's title, and which way it is better; its name where it is no longer there."""
    if metric not in metrics.names():
        return metric, "none"
    card = metrics.load(metric).card
    return card.title, card.better


def _letters(frame: pd.DataFrame) -> dict[tuple[Any, ...], str]:
    """Those of each explainer by each metric: two that share one are not told apart."""
    rows = frame[frame["stage"].isin(STAGES) & (frame["letters"].astype(str) != "")]
    names = [*PLACE, "metric", "explainer", "letters"]
    found = rows[names].itertuples(index=False, name=None)
    return {tuple(each): str(letters) for *each, letters in found}


def _likeness(found: Found) -> Iterator[dict[str, Any]]:
    """Every pair both ways, and each with itself, in an order that puts those alike together."""
    for key, explainers in found:
        for metric in likeness_metrics(explainers):
            table = matrix(explainers, metric)
            values = table.to_numpy(float, copy=True)
            np.fill_diagonal(values, 1)
            for a, b in itertools.product(clustered(table), repeat=2):
                if not math.isnan(values[a, b]):
                    yield {**key, "metric": metric, "explainer": str(table.index[a]),
                           "other": str(table.index[b]), "value": float(values[a, b])}  # fmt: skip


def clustered(table: pd.DataFrame) -> list[int]:
    """Rows of a matrix of likeness, so that neighbours are alike: leaves of average linkage.

    What was not measured counts as unlike.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(table) < 3:
        return list(range(len(table)))
    apart = 1 - np.nan_to_num(table.to_numpy(float))
    apart = np.maximum(apart + apart.T, 0) / 2
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), "average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(tree)]


def _curves(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    rows = frame[frame["stage"].isin(STAGES) & frame["at"].notna() & frame["value"].notna()]
    for key, mine in groups(rows, (*PLACE, "metric", "explainer", "at")):
        last = mine.iloc[-1]
        yield {**key, "value": last["value"], "low": last["ci_lo"], "high": last["ci_hi"]}


def _left(found: Found) -> Iterator[dict[str, Any]]:
    for key, explainers in found:
        for each in explainers:
            if not each.measured:
                yield {**key, "explainer": each.name, "status": each.status, "reason": each.reason}
