"""Explainers beside each other: cost, likeness to Grad-CAM, and what their maps are worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from bench import metrics
from bench.report import explainers as found
from bench.report.explainers import PLACE, Explainer, likeness_metrics, places, quality_metrics
from bench.report.forms import missing, number, spread, stale_text, text
from bench.report.table import ABSENT, Absent, Shown, Table, View

STAGES = found.STAGES
YARDSTICK = "grad_cam"
UNTRAINED = "removal_gain_correct_untrained"
"""The headline of faithfulness of the maps of the network before training."""
FEWEST = 30
"""Images below which a value is no ground for a finding."""
NOTE = (
    "The same images, weights and targets for all. Cost: evaluations of the network for each image "
    "explained, and milliseconds an image where the stage `time` has the same explainer on the "
    "same architecture and size of images, in its quickest mode there. Scores: means over the "
    "images classified correctly where the metric is defined, with the 95 % interval of a "
    "bootstrap over images that is the same for all explainers; in contrast.csv those classified "
    "wrongly too. Explainers that share a letter are not told apart. Untrained: the score of the "
    "explainer's maps of the network before training. Over several trainings of the network: the "
    "mean of their means, with Student's interval where there are five at least. "
    "`control` explains nothing: it is "
    "what a score must be above. Likeness to `grad_cam`: means over all images."
)
ALONE = {
    "blank": "Of a wholly filled image the network's probability is {}.",
    "attractor": "Of images half filled at random, {} fall into one class.",
    "flips": "The noise of max_sensitivity changes the class of {} of its images.",
}
"""Metrics of the network alone, and what is told of them."""
NAME = Shown("explainer", stale_text, ("explainer", "stale"))


def make(frame: pd.DataFrame) -> Table:
    """A section of cost and likeness and one of scores for each place."""
    everywhere = places(frame)
    data = pd.DataFrame(
        {**key, **_line(explainer)}
        for key, explainers in everywhere
        for explainer in sorted(explainers, key=_cost)
    )
    everybody = [explainer for _, explainers in everywhere for explainer in explainers]
    likeness = [f"{metric}_to_{YARDSTICK}" for metric in likeness_metrics(everybody)]
    likeness = [name for name in likeness if name in data]
    cost = (
        NAME,
        Shown("column", text, ("column",)),
        Shown("evaluations", _evaluations, ("evaluations", "status", "reason")),
        Shown("ms per image", _ms, ("ms_per_image", "timed")),
        *(Shown(each.removesuffix(f"_to_{YARDSTICK}"), number, (each,)) for each in likeness),
    )
    headlines = {m: _headline(m) for m in quality_metrics(everybody) if m not in ALONE}
    telling = {m: of for m, of in headlines.items() if _telling(m)}
    others = {m: of for m, of in headlines.items() if m not in telling}
    untrained = [Shown("removal_gain, untrained", number, (UNTRAINED,))] * (UNTRAINED in data)
    views = [
        View(PLACE, cost, where=lambda mine: ~mine["control"], told=_told),
        _scores("scores", telling, data, untrained, told=_alone),
        _trainings(list(telling), data),
        _scores("other values", others, data),
    ]
    return Table("contrast", "Explainers beside each other", data, views, NOTE)


def _telling(metric: str) -> bool:
    """Whether a sentence may rest on a metric, which is then shown before the others."""
    return metric in metrics.names() and metrics.load(metric).card.finding


def _scores(
    title: str, headlines: Mapping[str, tuple[str, ...]], data: pd.DataFrame,
    more: Sequence[Shown] = (), told: Callable[[pd.DataFrame], Iterable[str]] | None = None,
) -> View:  # fmt: skip
    """A line for each explainer that has any of these values."""
    scored = [name for of in headlines.values() for name in of if name in data]
    shown = [Shown(m, _score, of) for m, of in headlines.items() if {*of} & {*data}]
    return View(
        PLACE, (NAME, *shown, *more), title=title, told=told,
        where=lambda mine: mine[scored].notna().any(axis=1),
    )  # fmt: skip


def _trainings(telling: Sequence[str], data: pd.DataFrame) -> View:
    """The means over several trainings of the network, where there are such."""
    named = [m for m in telling if f"{m}_trainings" in data]
    ends = ("", "_ci_lo", "_ci_hi")
    shown = [Shown(m, spread, tuple(f"{m}_trainings{end}" for end in ends)) for m in named]
    counted = [Shown("trainings", number, ("trainings",))] * bool(named)
    return View(
        PLACE, (NAME, *shown, *counted), title="scores over several trainings",
        where=lambda mine: mine[[f"{m}_trainings" for m in named]].notna().any(axis=1),
    )  # fmt: skip


def _line(explainer: Explainer) -> dict[str, Any]:
    plain = (
        "column", "control", "ms_per_image", "timed", "evaluations", "peak_rss_mb", "n_images",
        "status", "reason", "stale",
    )  # fmt: skip
    line: dict[str, Any] = {"explainer": explainer.name}
    line |= {name: getattr(explainer, name) for name in plain}
    line |= {
        f"{metric}_to_{YARDSTICK}": value.value
        for (metric, other), value in explainer.likeness.items()
        if other == YARDSTICK
    }
    for (metric, part), value in explainer.quality.items():
        head = f"{metric}_{part}"
        ends = {"ci_lo": value.low, "ci_hi": value.high, "n": value.n}
        line |= {head: value.value, **{f"{head}_{name}": end for name, end in ends.items()}}
    line |= {f"{metric}_letters": letters for metric, letters in explainer.letters.items()}
    for metric, value in explainer.trainings.items():
        head = f"{metric}_trainings"
        line |= {head: value.value, f"{head}_ci_lo": value.low, f"{head}_ci_hi": value.high}
        line["trainings"] = value.n
    for (metric, part), value in explainer.untrained.items():
        line[f"{metric}_{part}_untrained"] = value.value
    return line


def _headline(metric: str) -> tuple[str, ...]:
    """The columns of a metric's value and interval, of images classified correctly and of all.

    Last that of its letters.
    """
    heads = (f"{metric}_{part}" for part in ("correct", "all"))
    ends = (name for head in heads for name in (head, f"{head}_ci_lo", f"{head}_ci_hi"))
    return (*ends, f"{metric}_letters")


def _score(*values: Any) -> str:
    """Of the images classified correctly, with letters; in older rows of all."""
    *numbers, letters = values
    shown = spread(*(numbers[3:] if missing(numbers[0]) else numbers[:3]))
    return f"{shown} {text(letters)}".strip()


def _ms(value: float, timed: str) -> str:
    return f"{number(value)} ({timed})" if text(timed) else ABSENT


def _evaluations(value: float, status: str, reason: str) -> str | Absent:
    return Absent(status, reason) if missing(value) and text(status) else number(value)


def _told(shown: pd.DataFrame) -> Iterator[str]:
    """On how many images all this was measured, and how many of them were classified correctly."""
    counts = sorted({int(n) for n in shown["n_images"].dropna()})
    right = shown[[name for name in shown if str(name).endswith("_correct_n")]].max().max()
    few = f": below {FEWEST}, no ground for a finding" if right < FEWEST else ""
    correct = "" if math.isnan(right) else f", {int(right)} classified correctly{few}"
    if counts:
        yield f"Of {' or '.join(map(str, counts))} images{correct}."


def _alone(shown: pd.DataFrame) -> Iterator[str]:
    """What is the network's own, and the same for all explainers."""
    for metric, sentence in ALONE.items():
        known = [shown[name].dropna() for name in _headline(metric)[:6:3] if name in shown]
        for values in [values for values in known if len(values)][:1]:
            yield sentence.format(number(values.iloc[0]))


def _cost(explainer: Explainer) -> tuple[bool, float, str]:
    """By rising cost; controls last."""
    known = math.isfinite(explainer.evaluations)
    return explainer.control or not known, explainer.evaluations if known else 0.0, explainer.name
