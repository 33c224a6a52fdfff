"""Explainers beside each other: cost, faithfulness, likeness to Grad-CAM, where evidence lies."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.report import explainers as found
from bench.report.clock import STALE
from bench.report.explainers import Explainer, Value, likeness_metrics, places, quality_metrics
from bench.report.files import Section, Table
from bench.report.frame import place
from bench.report.text import ABSENT, number

TITLE = "Explainers beside each other"
STAGES = found.STAGES
YARDSTICK = "grad_cam"
BLANK = "blank"
"""A metric of the network alone."""
FEWEST = 30
"""Images below which a value is no ground for a finding."""
NOTE = (
    "The same images, weights and targets for all. Cost: evaluations of the network for each image "
    "explained, and milliseconds an image where the stage `time` has the same explainer on the "
    "same architecture and size of images, in its quickest mode there. Scores: means over the "
    "images classified correctly where the metric is defined, with the 95 % interval of a "
    "bootstrap over images that is the same for all explainers; in contrast.csv those classified "
    "wrongly too. Untrained: the score of the explainer's maps of the network before training. "
    "`control` explains nothing: it is "
    "what a score must be above. Likeness to `grad_cam`: means over all images."
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`contrast`: a section of cost and likeness and one of scores for each place."""
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
    plain = ("column", "ms_per_image", "timed", "evaluations", "peak_rss_mb", "n_images", "status")
    line: dict[str, Any] = {"explainer": explainer.name}
    line |= {name: getattr(explainer, name) for name in (*plain, "reason", "stale")}
    line |= {
        f"{metric}_to_{YARDSTICK}": value.value
        for (metric, other), value in explainer.likeness.items()
        if other == YARDSTICK
    }
    for (metric, part), value in explainer.quality.items():
        head = f"{metric}_{part}"
        ends = {"ci_lo": value.low, "ci_hi": value.high, "n": value.n}
        line |= {head: value.value, **{f"{head}_{name}": end for name, end in ends.items()}}
    for (metric, part), value in explainer.untrained.items():
        line[f"{metric}_{part}_untrained"] = value.value
    return line


def _sections(title: str, explainers: list[Explainer]) -> list[Section]:
    measured = [explainer for explainer in explainers if explainer.measured]
    absent = [f"- {e.name}: *{e.status}*: {e.reason}" for e in explainers if not e.measured]
    stale = (STALE,) if any(e.stale for e in explainers) else ()
    notes = (*absent, *_images(measured), *stale)
    costly = [e for e in measured if not e.control]
    metrics = likeness_metrics(measured)
    texts = [
        {
            "explainer": e.name + (" †" if e.stale else ""),
            "column": e.column,
            "evaluations": number(e.evaluations),
            "ms per image": f"{number(e.ms_per_image)} ({e.timed})" if e.timed else ABSENT,
            **{m: number(_value(e.likeness.get((m, YARDSTICK)))) for m in metrics},
        }
        for e in sorted(costly, key=_cost)
    ]
    sections = [Section(title, pd.DataFrame(texts or [{"explainer": ABSENT}]), notes)]
    every = [m for m in quality_metrics(measured) if any(e.headline(m) for e in measured)]
    scores = [m for m in every if m != BLANK]
    scored = [
        {"explainer": e.name, **{m: _score(e, m) for m in scores}, **_untrained(e, measured)}
        for e in sorted(measured, key=_cost)
        if e.quality
    ]
    if scored:
        blank = next((v for e in measured if (v := e.headline(BLANK))), None)
        left = f"Of a wholly filled image the network's probability is {number(_value(blank))}."
        notes = (left,) if blank else ()
        sections.append(Section(f"{title}: scores", pd.DataFrame(scored), notes))
    return sections


def _images(explainers: list[Explainer]) -> tuple[str, ...]:
    """On how many images all this was measured, and how many of them were classified correctly."""
    counts = sorted({int(e.n_images) for e in explainers if math.isfinite(e.n_images)})
    of = [v.n for e in explainers for (_, part), v in e.quality.items() if part == "correct"]
    right = max((n for n in of if math.isfinite(n)), default=math.nan)
    few = f": below {FEWEST}, no ground for a finding" if right < FEWEST else ""
    correct = f", {int(right)} classified correctly{few}" if math.isfinite(right) else ""
    return (f"Of {' or '.join(map(str, counts))} images{correct}.",) if counts else ()


def _value(value: Value | None) -> float:
    return value.value if value else math.nan


def _score(explainer: Explainer, metric: str) -> str:
    value = explainer.headline(metric)
    if value is None:
        return ABSENT
    if not math.isfinite(value.low):
        return number(value.value)
    return f"{number(value.value)} [{number(value.low)}, {number(value.high)}]"


def _untrained(explainer: Explainer, explainers: list[Explainer]) -> dict[str, str]:
    """The headline of faithfulness of its maps of the network before training."""
    part = ("removal_gain", "correct")
    if not any(part in each.untrained for each in explainers):
        return {}
    return {"removal_gain, untrained": number(_value(explainer.untrained.get(part)))}


def _cost(explainer: Explainer) -> tuple[bool, float, str]:
    """By rising cost; controls last."""
    known = math.isfinite(explainer.evaluations)
    return explainer.control or not known, explainer.evaluations if known else 0.0, explainer.name
