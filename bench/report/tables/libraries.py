"""Libraries in the same run: each offer beside our own method in the library's framework."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pandas as pd

from bench.report import forms
from bench.report.frame import label
from bench.report.measured import Measured
from bench.report.same_run import RUN, Place, places, ratio
from bench.report.table import ABSENT, Absent, Shown, Table, View

STAGES = ("time",)
EAGER = "eager"
FEW = 2
"""Evaluations of which there are so few that nobody counts them."""
SAME = 1e-5
"""A map that is further from the oracle's than this is another one."""
NOTE = (
    "Milliseconds of an image. Factors: over our own method of the same kind in the same "
    "framework, layer and batch, in the same run: in its best mode, and eager, as the libraries "
    "are. Evaluations: images through the network for each image explained; the factor of an "
    "evaluation is that to our best mode if both made as many. Error: max |a-b| / max |reference "
    "signed map| of the worst image against the float64 oracle, and the tolerance where the "
    "options make it compute the oracle's map; where nothing is promised an error above 1e-05 is "
    "another map, which the last section explains. A library's map is timed before it is resized "
    "or drawn. " + forms.EXPLAINED
)
Ratio = dict[str, Any]


class Compared(NamedTuple):
    """A library's offer, or a mode of ours that offers are held against: the factors to ours."""

    like: str
    cell: Measured
    to_best: Ratio
    to_eager: Ratio


def _explainer(library: str, mode: str, *named: str) -> str:
    return forms.what(*named) + ("" if forms.text(library) else f", ours, {mode}")


def _ms(status: str, reason: str, *time: Any) -> str | Absent:
    return Absent(status, reason) if forms.missing(time[0]) else forms.per_image(*time)


def _error(error: float, tolerance: float) -> str:
    """Against the oracle; where nothing is promised, a large one is another map, and no mistake."""
    if math.isfinite(tolerance):
        return f"{forms.number(error)} of {forms.number(tolerance)}"
    return f"another map ({forms.number(error)})" if error > SAME else forms.number(error)


def _or_dash(value: Any) -> str:
    return forms.text(value) or ABSENT


SHOWN = (
    forms.COLUMN,
    Shown(
        "explainer", _explainer,
        ("library", "mode", "task", "method", "library", "options", "score"),
    ),
    *forms.TOGGLES,
    Shown("ms per image", _ms, ("status", "reason", *forms.PER_IMAGE)),
    Shown("to ours", forms.times, ("to_best", "to_best_real")),
    Shown("to ours, eager", forms.times, ("to_eager", "to_eager_real")),
    Shown("evaluations", forms.count, ("evaluations",)),
    Shown("to ours, an evaluation", forms.times, ("to_best_evaluation", "to_best_real")),
    Shown("error", _error, ("max_rel", "tolerance")),
)  # fmt: skip
DIFFER = (
    Shown("offer", forms.text, ("offer",)),
    Shown("like", _or_dash, ("like",)),
    Shown("our map with", _or_dash, ("same_with",)),
    Shown("difference", forms.text, ("difference",)),
)


def make(frame: pd.DataFrame) -> Table:
    """What libraries take beside ours; last, how what each offers differs from ours."""
    offers: dict[str, dict[str, str]] = {}
    lines = [
        _line(place, one)
        for place in places(frame)
        for block in _blocks(place, offers)
        for one in block
    ]
    differ = pd.DataFrame([offers[name] for name in sorted(offers)])
    views = [View(RUN, SHOWN), View((), DIFFER, title="How they differ", data=differ)]
    return Table("libraries", "Libraries in the same run", pd.DataFrame(lines), views, NOTE)


def _blocks(place: Place, offers: dict[str, dict[str, str]]) -> list[list[Compared]]:
    """Ours in every mode, then the offers like it, by rising time; `offers` gains those met."""
    blocks: dict[tuple[Any, ...], list[Compared]] = {}
    for cell in place.cells:
        what = cell.timing.what
        if not what["library"]:
            continue
        name, like = f"{what['library']}.{what['method']}", str(cell.said["like"])
        offers[name] = {
            "offer": name,
            **{said: cell.said[said] for said in ("like", "same_with", "difference")},
        }
        same = (what["batch"], what["layer"], what["precision"], what["score"], what["threads"])
        block = blocks.setdefault((like, *same, cell.timing.column, what["weights"]), [])
        ours = place.modes(cell.timing, library="", method=like, options="") if like else []
        if not block:
            block += [_compared(like, one, ours) for one in ours]
        block.append(_compared(like, cell, ours))
    return [sorted(block, key=_rank) for _, block in sorted(blocks.items())]


def _compared(like: str, cell: Measured, ours: list[Measured]) -> Compared:
    if cell.timing.estimate is None or not ours:
        return Compared(like, cell, {}, {})
    best = min(ours, key=lambda one: one.timing.per_image.value)
    eager = next((one for one in ours if one.timing.mode == EAGER), None)
    to_eager = _over(cell, eager) if eager else {}
    return Compared(like, cell, _over(cell, best), to_eager)


def _over(cell: Measured, ours: Measured) -> Ratio:
    """The ratio of the two, and that of an evaluation of theirs where they make many."""
    found = ratio(cell.timing, ours.timing) | {"ms_per_image": ours.timing.per_image.value}
    mine, yours = cell.beside["evaluations"], ours.beside["evaluations"]
    if max(mine, yours) > FEW and mine:
        found["evaluation"] = found["ratio"] * yours / mine
    return found


def _rank(one: Compared) -> tuple[Any, ...]:
    timing = one.cell.timing
    ms = timing.estimate.value if timing.estimate else math.inf
    return bool(timing.what["library"]), ms, label(timing.what), timing.mode


def _line(place: Place, one: Compared) -> dict[str, Any]:
    line = {**place.line(one.cell.timing), "like": one.like}
    for name, found in (("best", one.to_best), ("eager", one.to_eager)):
        if found:
            line |= {f"to_{name}": found["ratio"], f"to_{name}_real": found["real"]}
            line |= {f"{name}_ms_per_image": found["ms_per_image"]}
            if name == "best" and "evaluation" in found:
                line["to_best_evaluation"] = found["evaluation"]
    return line | {name: one.cell.beside[name] for name in ("max_rel", "tolerance", "evaluations")}
