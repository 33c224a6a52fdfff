"""Libraries in the same run: each offer beside our own method in the library's framework."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pandas as pd

from bench.report.files import Section, Table
from bench.report.frame import label
from bench.report.measured import Measured
from bench.report.same_run import Place, places, ratio
from bench.report.text import ABSENT, number
from bench.report.wording import PAIRED, absent, legend, per_image, times

TITLE = "Libraries in the same run"
STAGES = ("time",)
EAGER = "eager"
SAME = 1e-5
"""A map that is further from the oracle's than this is another one."""
NOTE = (
    "Milliseconds per image: typical of the processes, with its interval. Factors: over our own "
    "method of the same kind in the same framework, layer and batch, in the same run: in its best "
    "mode, and eager, as the libraries are. Error: max |a-b| / max |reference signed map| of the "
    "worst image against the float64 oracle, and the tolerance where the options make it compute "
    "the oracle's map; where nothing is promised an error above 1e-05 is another map, which the "
    "last section explains. A library's map is timed before it is resized or drawn. " + PAIRED
)
Ratio = dict[str, Any]


class Compared(NamedTuple):
    """A library's offer, or a mode of ours that offers are held against: the factors to ours."""

    like: str
    cell: Measured
    to_best: Ratio
    to_eager: Ratio


def make(frame: pd.DataFrame) -> list[Table]:
    """`libraries`, where a library was timed; last, how what each offers differs from ours."""
    lines: list[dict[str, Any]] = []
    sections = []
    offers: dict[str, dict[str, str]] = {}
    for place in places(frame):
        found = [one for block in _blocks(place, offers) for one in block]
        lines += [_line(place, one) for one in found]
        if found:
            reasons: dict[str, int] = {}
            texts = [_text(place, one, reasons) for one in found]
            sections.append(Section(place.title, pd.DataFrame(texts), legend(texts, reasons)))
    if not lines:
        return []
    if offers:
        sections.append(
            Section("How they differ", pd.DataFrame([offers[name] for name in sorted(offers)]))
        )
    return [Table("libraries", TITLE, pd.DataFrame(lines), sections, NOTE)]


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
            "like": like or ABSENT,
            "our map with": cell.said["same_with"] or ABSENT,
            "difference": cell.said["difference"],
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
    return ratio(cell.timing, ours.timing) | {"ms_per_image": ours.timing.per_image.value}


def _rank(one: Compared) -> tuple[Any, ...]:
    timing = one.cell.timing
    ms = timing.estimate.value if timing.estimate else math.inf
    return bool(timing.what["library"]), ms, label(timing.what), timing.mode


def _line(place: Place, one: Compared) -> dict[str, Any]:
    timing, beside = one.cell.timing, one.cell.beside
    line = {**place.line(timing), "like": one.like, "status": timing.status}
    if timing.estimate:
        line["ms_per_image"] = timing.per_image.value
    for name, found in (("best", one.to_best), ("eager", one.to_eager)):
        if found:
            line |= {f"to_{name}": found["ratio"], f"to_{name}_real": found["real"]}
            line |= {f"{name}_ms_per_image": found["ms_per_image"]}
    line |= {name: beside[name] for name in ("max_rel", "tolerance")}
    return line | {"reason": timing.reason}


def _text(place: Place, one: Compared, reasons: dict[str, int]) -> dict[str, str]:
    timing, beside = one.cell.timing, one.cell.beside
    ours = "" if timing.what["library"] else f", ours, {timing.mode}"
    told, why = place.told(timing, ()), (timing.status, timing.reason)
    error, gate = beside["max_rel"], beside["tolerance"]
    shown = per_image(timing) if timing.estimate else absent(*why, reasons)
    return {
        "column": told.pop("column"),
        "explainer": label(timing.what) + ours,
        **told,
        "ms per image": shown,
        "to ours": _times(one.to_best),
        "to ours, eager": _times(one.to_eager),
        "error": _error(error, gate),
    }


def _error(error: float, tolerance: float) -> str:
    """Against the oracle; where nothing is promised, a large one is another map, and no mistake."""
    if math.isfinite(tolerance):
        return f"{number(error)} of {number(tolerance)}"
    return f"another map ({number(error)})" if error > SAME else number(error)


def _times(found: Ratio) -> str:
    """A cell held against itself is no comparison."""
    return times(found["ratio"], found["real"] or found["ratio"] == 1) if found else ABSENT
