"""What the judge's values tell apart: explainers from controls and from each other, as rows.

From the values of single images that the judge keeps, of the images classified correctly. For each
metric on which a sentence may rest (`Metric.finding`):

- each explainer with its `letters`: two that share one are not told apart, all pairs one family;
- each explainer less each control (`paired difference`), these pairs one family; `own_random` are
  its maps of the network before training, a control of its own;
- its `verdict`: whether it tells anything here. It does where its best explainer is told apart
  from every control the right way, where the order of explainers is the same in random halves of
  the images (median rank correlation of 0.8 at least), and where, of a metric that has a
  `blur_gain`, blur alone gains at most a third of what lies between the explainers.

Where there are several trainings, what holds over them besides (`seeded.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.record.cell import Cell
from bench.stages import seeded
from bench.stages.apart import compare, letters, reliability
from implementations.architecture import weights

Row = dict[str, Any]
Floats = NDArray[np.float64]
Values = Mapping[str, Mapping[str, Floats]]
"""Explainer -> metric -> value of each image (N,)."""
TASK = "apart"
OWN = "own_random"
RELIABLE, BLUR, FEWEST = 0.8, 1 / 3, 30
MATTERS = {"score": 0.01, "correlation": 0.02}
SHARE = 0.05
"""Of the larger of two means, where a metric is unbounded."""


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of one network, whose explainers `context["judged"]` names, with the files of values."""
    judged = context["judged"][f"{cell.dataset}/{cell.architecture}"]
    folder = Path(context["values"])
    read = {of: {name: weights.load(folder / f"{file}.safetensors") for name, file in files.items()}
            for of, files in judged["values"].items()}  # fmt: skip
    correct = next(iter(read["trained"].values()))["correct"] > 0
    yield {"notes": None, "maps_sha": judged["maps_sha"], "n_images": len(correct)}
    controls = set(judged["controls"])
    yield from rows(read["trained"], read.get("initial", {}), controls, correct)
    others = [found for of, found in sorted(read.items()) if of.startswith(seeded.SEED)]
    if others:
        yield from seeded.rows([read["trained"], *others], controls)


def rows(
    values: Values, untrained: Values, controls: set[str], correct: NDArray[np.bool_]
) -> Iterator[Row]:
    """The rows of each metric that a finding may rest on."""
    for metric in metrics.names():
        if metrics.load(metric).card.finding:
            of = {name: found[metric] for name, found in values.items() if metric in found}
            own = {name: found[metric] for name, found in untrained.items() if metric in found}
            yield from _of_metric(metric, of, own, controls, correct, values)


def _of_metric(
    metric: str, of: Mapping[str, Floats], own: Mapping[str, Floats], controls: set[str],
    correct: NDArray[np.bool_], values: Values,
) -> Iterator[Row]:  # fmt: skip
    card = metrics.load(metric).card
    sign = -1 if card.better == "lower" else 1
    columns = {name: column[correct] for name, column in of.items()}
    means = {name: _mean(column) for name, column in columns.items()}
    names = sorted((n for n in means if np.isfinite(means[n])), key=lambda n: -sign * means[n])
    explainers = [name for name in names if name not in controls]
    against = [name for name in names if name in controls]
    if not explainers or not against:
        return
    same = {"metric": metric, "subset": "correct"}

    place = {name: n for n, name in enumerate(names)}
    table = np.stack([columns[name] for name in names], axis=1)
    pairs = [(a, b) for a in range(len(names)) for b in range(a + 1, len(names))]
    found = compare(table, pairs, _matters(card.scale))
    apart = dict(zip(pairs, found.apart, strict=True))

    def told(a: str, b: str) -> bool:
        one, other = sorted((place[a], place[b]))
        return bool(apart[one, other])

    for name, group in letters(names, told).items():
        n = int(np.isfinite(columns[name]).sum())
        yield {**same, "explainer": name, "letters": group, "statistic": "mean",
               "value": means[name], "n": n}  # fmt: skip

    mine = [name for name in explainers if name in own]
    table = np.hstack([table, *(own[name][correct][:, None] for name in mine)])
    pairs = [(place[name], place[other]) for name in explainers for other in against]
    titles = [(name, other) for name in explainers for other in against]
    pairs += [(place[name], len(names) + n) for n, name in enumerate(mine)]
    titles += [(name, OWN) for name in mine]
    found = compare(table, pairs, _matters(card.scale))
    above = {}
    for (name, other), difference, low, high, n, differs in zip(titles, *found, strict=True):
        above[name, other] = bool(differs and sign * difference > 0)
        yield {**same, "explainer": name, "against": other, "statistic": "paired difference",
               "value": _known(difference), "ci_lo": _known(low), "ci_hi": _known(high),
               "n": int(n), "apart": bool(differs)}  # fmt: skip

    stable = reliability(np.stack([columns[name] for name in explainers], axis=1))
    cause = _cause(
        n=int(np.isfinite(columns[explainers[0]]).sum()),
        best=all(above[explainers[0], other] for other in against),
        stable=stable,
        blurred=_blurred(metric, explainers, means, values, correct),
    )
    yield {**same, "statistic": "verdict", "value": _known(stable), "apart": not cause,
           "n": int(correct.sum()), "notes": cause or None}  # fmt: skip


def _cause(n: int, best: bool, stable: float, blurred: bool) -> str:
    """Why a metric can support no sentence here; nothing where it can."""
    if n < FEWEST:
        return f"fewer than {FEWEST} images"
    if not best:
        return "does not discriminate here"
    if not stable >= RELIABLE:  # NaN too
        return "order unstable"
    return "pays for blur" if blurred else ""


def _blurred(
    metric: str, explainers: list[str], means: Mapping[str, float], values: Values,
    correct: NDArray[np.bool_],
) -> bool:  # fmt: skip
    """Whether blur alone gains more than a third of what lies between the explainers."""
    if "blur_gain" not in metrics.load(metric).module.METRIC.columns:
        return False
    gains = [_mean(values[name]["blur_gain"][correct]) for name in explainers]
    spread = np.ptp([means[name] for name in explainers])
    return bool(np.nanmean(gains) > BLUR * spread)


def _matters(scale: str) -> Callable[[Floats, Floats], Floats]:
    if scale in MATTERS:
        return lambda a, b: np.full_like(a, MATTERS[scale])
    return lambda a, b: SHARE * np.maximum(np.abs(a), np.abs(b))


def _mean(column: Floats) -> float:
    known = column[np.isfinite(column)]
    return float(known.mean()) if len(known) else float("nan")


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
