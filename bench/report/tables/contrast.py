"""Explainers beside each other: cost, likeness to Grad-CAM, and where the evidence lies."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.report.clock import STALE
from bench.report.explainers import Explainer, likeness_metrics, places, quality_metrics
from bench.report.files import Section, Table
from bench.report.frame import place
from bench.report.text import ABSENT, number

TITLE = "Explainers beside each other"
STAGES = ("contrast",)
YARDSTICK = "grad_cam"
NOTE = (
    "The same images, weights and targets for all. Cost: milliseconds per image, eagerly, in one "
    "process and but a few batches: an order of cost, with no interval; times to rely on are in "
    "[libraries](libraries.md). Beside it images through the model for each image explained. "
    "Likeness to `grad_cam` and "
    "localisation: means over images where the metric is defined; localisation over all images / "
    "those classified correctly / those classified wrongly. `control` explains nothing: it is what "
    "a score must beat."
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`contrast`: a section of cost and likeness and one of localisation for each place."""
    lines: list[dict[str, Any]] = []
    sections = []
    for key, explainers in places(frame):
        lines += [{**key, **_line(explainer)} for explainer in explainers]
        title = place(key, frame["machine_id"].nunique())
        sections += _sections(title, explainers)
    if not lines:
        return []
    return [Table("contrast", TITLE, pd.DataFrame(lines), sections, NOTE)]


def _line(explainer: Explainer) -> dict[str, Any]:
    plain = ("column", "ms_per_image", "evaluations", "peak_rss_mb", "n_images", "status", "reason")
    line: dict[str, Any] = {"explainer": explainer.name}
    line |= {name: getattr(explainer, name) for name in (*plain, "stale")}
    line |= {
        f"{metric}_to_{YARDSTICK}": value
        for (metric, other), value in explainer.likeness.items()
        if other == YARDSTICK
    }
    return line | {f"{metric}_{part}": value for (metric, part), value in explainer.quality.items()}


def _sections(title: str, explainers: list[Explainer]) -> list[Section]:
    measured = [explainer for explainer in explainers if explainer.measured]
    absent = [f"- {e.name}: *{e.status}*: {e.reason}" for e in explainers if not e.measured]
    stale = (STALE,) if any(e.stale for e in explainers) else ()
    notes = (*absent, *_images(measured), *stale)
    costly = [e for e in measured if e.ms_per_image == e.ms_per_image or e.likeness]
    metrics = likeness_metrics(measured)
    texts = [
        {
            "explainer": e.name + (" †" if e.stale else ""),
            "column": e.column,
            "ms per image": number(e.ms_per_image),
            "evaluations": number(e.evaluations),
            **{m: number(e.likeness.get((m, YARDSTICK))) for m in metrics},
        }
        for e in sorted(costly, key=_cost)
    ]
    found = [Section(title, pd.DataFrame(texts or [{"explainer": ABSENT}]), notes)]
    located = [
        {"explainer": e.name, **{m: _parts(e, m) for m in quality_metrics(measured)}}
        for e in sorted(measured, key=_cost)
        if e.quality
    ]
    if located:
        found.append(Section(f"{title}: localisation", pd.DataFrame(located)))
    return found


def _images(explainers: list[Explainer]) -> tuple[str, ...]:
    """On how many images all this was measured."""
    counts = sorted({int(e.n_images) for e in explainers if math.isfinite(e.n_images)})
    return (f"Of {' or '.join(map(str, counts))} images.",) if counts else ()


def _parts(explainer: Explainer, metric: str) -> str:
    whole, *parts = (explainer.quality.get((metric, p)) for p in ("all", "correct", "wrong"))
    if all(part is None for part in parts):
        return number(whole)
    return " / ".join(number(value) for value in (whole, *parts))


def _cost(explainer: Explainer) -> tuple[bool, float, str]:
    known = explainer.ms_per_image == explainer.ms_per_image
    return (not known, explainer.ms_per_image if known else 0.0, explainer.name)
