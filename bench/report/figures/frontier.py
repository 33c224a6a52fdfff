"""Evaluations against quality: the explainers that no other beats in both, among all.

Colour tells the method, the sign whose code it is; names stand only where a line reaches. What
samples is one line through its budgets. Thin bars are intervals over images; a metric that can tell
nothing here says why.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from bench import metrics
from bench.report import told_apart
from bench.report.canvas import colours, panels
from bench.report.explainers import Explainer, places, quality_metrics
from bench.report.files import stem
from bench.report.frame import place

TITLE = "Cost and quality"
STAGES = ("contrast", "judge")
SIGNS = "osD^vPX<>hd*p"
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
) -> Any:
    priced = [e for e in explainers if e.evaluations > 0]
    colour = colours([_method(e) for e in priced])
    makers = sorted({_maker(e) for e in priced}, key=lambda name: (name not in _ours(priced), name))
    sign = {name: SIGNS[i % len(SIGNS)] for i, name in enumerate(makers)}
    figure, axes = panels(len(shown), 5.0, 4.2)
    for axis, name in zip(axes, shown, strict=True):
        card = metrics.load(name).card
        best = frontier(_points(explainers, name), card.better == "higher")
        axis.step(*zip(*((p[0], p[1]) for p in best), strict=True), where="post", color="0.6", lw=1)
        for cost, value, label in _apart(best):
            axis.annotate(label, (cost, value), fontsize=7, xytext=(0, 7), ha="center",
                          textcoords="offset points")  # fmt: skip
        for e in explainers:
            if not (scored := e.headline(name)):
                continue
            value = scored.value
            if e in priced:
                axis.plot([e.evaluations], [value], sign[_maker(e)], color=colour[_method(e)], ms=6,
                          mec="white", mew=0.5)  # fmt: skip
                axis.vlines(e.evaluations, scored.low, scored.high, color=colour[_method(e)],
                            lw=0.7, alpha=0.6, zorder=1)  # fmt: skip
            else:
                axis.axhline(value, color="0.7", lw=0.8, ls=":")
                axis.annotate(e.name, (0.99, value), xycoords=("axes fraction", "data"),
                              fontsize=6, ha="right", va="bottom", color="0.4")  # fmt: skip
        for method, line in budgets(priced, name):
            axis.plot(*zip(*line, strict=True), color=colour[method], lw=0.9, alpha=0.7, zorder=1)
        axis.set_xscale("log")
        axis.margins(0.1)
        axis.set_title(causes.get(name, ""), fontsize=8, color="0.4")
        axis.set_xlabel("evaluations of the network per image")
        axis.set_ylabel(f"{card.title} ({card.better} is better)")
    figure.legend(handles=_key(colour, sign), loc="outside right center", fontsize=7)
    figure.suptitle(title)
    return figure


def _apart(points: list[Point]) -> list[Point]:
    """Those whose quality is not that of one before: their names would lie on each other."""
    kept: list[Point] = []
    for point in points:
        if not kept or not math.isclose(point[1], kept[-1][1], rel_tol=0.02):
            kept.append(point)
    return kept


def budgets(
    explainers: list[Explainer], metric: str
) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Method and points (evaluations, value), by rising cost, where there are several budgets."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for e in explainers:
        if scored := e.headline(metric):
            points = found.setdefault((_method(e), _maker(e)), [])
            points.append((e.evaluations, scored.value))
    for (method, _), line in found.items():
        if len(line) > 1:
            yield method, sorted(line)


def _method(explainer: Explainer) -> str:
    """The method without its options."""
    return explainer.method.partition("[")[0]


def _maker(explainer: Explainer) -> str:
    """Whose code it is: a library's name, or ours in a column."""
    return explainer.library or f"ours, {explainer.column}"


def _ours(explainers: list[Explainer]) -> set[str]:
    return {_maker(e) for e in explainers if not e.library}


def _key(colour: Mapping[str, Any], sign: Mapping[str, str]) -> list[Any]:
    """A line for each method's colour, then one for each maker's sign."""
    from matplotlib.lines import Line2D

    def line(label: str, marker: str, mine: Any) -> Any:
        return Line2D([], [], color=mine, marker=marker, ls="", ms=6, label=label)

    methods = [line(name, "s", mine) for name, mine in colour.items()]
    return methods + [line(name, marker, "0.5") for name, marker in sign.items()]
