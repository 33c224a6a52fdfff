"""Cost against quality: the explainers that no other beats in both."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench import metrics
from bench.report.canvas import panels
from bench.report.explainers import Explainer, places, quality_metrics
from bench.report.files import stem
from bench.report.frame import place

TITLE = "Cost and quality"
STAGES = ("contrast",)
Point = tuple[float, float, str]


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`frontier_<data set>_<architecture>...`: a panel for each localisation metric."""
    machines = frame["machine_id"].nunique()
    for key, explainers in places(frame):
        shown = [
            m
            for m in quality_metrics(explainers)
            if m in metrics.names() and _points(explainers, m)
        ]
        if shown:
            named = list(key.values())[: 4 if machines > 1 else 3]
            title = f"{TITLE}: {place(key, machines)}"
            yield stem("frontier", *named), _figure(title, explainers, shown)


def frontier(points: list[Point], higher: bool) -> list[Point]:
    """The points, by rising cost, that no cheaper or equally cheap one reaches in quality."""
    best, kept = -math.inf, []
    for cost, value, name in sorted(points, key=lambda p: (p[0], -p[1] if higher else p[1], p[2])):
        quality = value if higher else -value
        if quality > best:
            best = quality
            kept.append((cost, value, name))
    return kept


def _points(explainers: list[Explainer], metric: str) -> list[Point]:
    return [
        (e.ms_per_image, e.quality[metric, "all"], e.name)
        for e in explainers
        if math.isfinite(e.ms_per_image) and (metric, "all") in e.quality
    ]


def _figure(title: str, explainers: list[Explainer], shown: list[str]) -> Any:
    figure, axes = panels(len(shown), 5.4, 4.2)
    for axis, name in zip(axes, shown, strict=True):
        metric = metrics.load(name)
        points = _points(explainers, name)
        best = frontier(points, metric.better == "higher")
        axis.step(*zip(*((p[0], p[1]) for p in best), strict=True), where="post", color="0.6", lw=1)
        axis.scatter([p[0] for p in points], [p[1] for p in points], s=14)
        for cost, value, label in points:
            weight = "bold" if (cost, value, label) in best else "normal"
            axis.annotate(label, (cost, value), fontsize=6, xytext=(3, 2), fontweight=weight,
                          textcoords="offset points")  # fmt: skip
        for e in explainers:
            if not math.isfinite(e.ms_per_image) and (name, "all") in e.quality:
                value = e.quality[name, "all"]
                axis.axhline(value, color="0.7", lw=0.8, ls=":")
                axis.annotate(e.name, (0.99, value), xycoords=("axes fraction", "data"),
                              fontsize=6, ha="right", va="bottom", color="0.4")  # fmt: skip
        axis.set_xscale("log")
        axis.margins(x=0.2)
        axis.set_xlabel("ms per image")
        axis.set_ylabel(f"{metric.title} ({metric.better} is better)")
    figure.suptitle(title)
    return figure
