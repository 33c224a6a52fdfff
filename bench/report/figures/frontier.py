"""Evaluations against quality: the explainers that no other beats in both, among all.

Colour and sign tell whose code it is; names stand only where a line reaches. What samples is one
line through its budgets. Thin bars are intervals over images; a metric that can tell nothing here
says why.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from bench import metrics
from bench.report import told_apart
from bench.report.charts import sheet
from bench.report.charts.contrast import frontier as chart
from bench.report.explainers import Explainer, places, quality_metrics
from bench.report.files import stem
from bench.report.frame import place

TITLE = "Cost and quality"
STAGES = ("contrast", "judge")
Point = tuple[float, float, str]


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`frontier_<data set>_<architecture>...`: a panel for each metric a finding may rest on."""
    machines = frame["machine_id"].nunique()
    causes = {tuple(told.place.values()): told.causes for told in told_apart.places(frame)}
    for key, explainers in places(frame):
        shown = [
            m
            for m in quality_metrics(explainers)
            if m in metrics.names() and _points(explainers, m) and metrics.load(m).card.finding
        ]
        if shown:
            named = list(key.values())[: 4 if machines > 1 else 3]
            title = f"{TITLE}: {place(key, machines)}"
            yield (
                stem("frontier", *named),
                _figure(title, explainers, shown, causes.get(tuple(key.values()), {})),
            )


def frontier(points: list[Point], higher: bool) -> list[Point]:
    """The points, by rising cost, that no cheaper or equally cheap one reaches in quality.

    Of those alike but for rounding ours stands for all.
    """
    best, kept = -math.inf, []
    found = [((1 if higher else -1) * round(point[1], 6), point) for point in points]
    for quality, point in sorted(found, key=lambda f: (f[1][0], -f[0], "." in f[1][2], f[1][2])):
        if quality > best:
            best = quality
            kept.append(point)
    return kept


def _points(explainers: list[Explainer], metric: str) -> list[Point]:
    scored = [(e, e.headline(metric)) for e in explainers if e.evaluations > 0]
    return [(e.evaluations, value.value, e.name) for e, value in scored if value]


def _figure(
    title: str, explainers: list[Explainer], shown: list[str], causes: Mapping[str, str]
) -> dict[str, Any]:
    drawn = []
    for name in shown:
        card = metrics.load(name).card
        heading = f"{card.title} ({card.better} is better)"
        if causes.get(name):
            heading += f": {causes[name]}"
        drawn.append((heading, chart(), list(_rows(explainers, name, card.better == "higher"))))
    return sheet(title, drawn)


def _rows(explainers: list[Explainer], metric: str, higher: bool) -> Iterator[dict[str, Any]]:
    """The rows of the chart: points, those that nothing cheaper reaches, budgets, controls."""
    for e in explainers:
        if scored := e.headline(metric):
            told = {"explainer": e.name, "column": e.column, "maker": _maker(e), "n": scored.n}
            told |= {"value": scored.value, "low": scored.low, "high": scored.high}
            yield {**told, "kind": "point" if e.evaluations > 0 else "control",
                   "cost": e.evaluations}  # fmt: skip
    for cost, value, name in frontier(_points(explainers, metric), higher):
        yield {"kind": "front", "explainer": name, "cost": cost, "value": value}
    for method, maker, line in budgets([e for e in explainers if e.evaluations > 0], metric):
        for cost, value in line:
            yield {"kind": "budget", "maker": maker, "sampler": f"{maker} {method}", "cost": cost,
                   "value": value}  # fmt: skip


def budgets(
    explainers: list[Explainer], metric: str
) -> Iterator[tuple[str, str, list[tuple[float, float]]]]:
    """Method, whose code, and points (evaluations, value) by rising cost, of several budgets."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for e in explainers:
        if scored := e.headline(metric):
            points = found.setdefault((_method(e), _maker(e)), [])
            points.append((e.evaluations, scored.value))
    for (method, maker), line in found.items():
        if len(line) > 1:
            yield method, maker, sorted(line)


def _method(explainer: Explainer) -> str:
    """The method without its options."""
    return explainer.method.partition("[")[0]


def _maker(explainer: Explainer) -> str:
    """Whose code it is: a library's name, or ours in a column."""
    return explainer.library or f"ours, {explainer.column}"
