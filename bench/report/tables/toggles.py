"""One factor at a time around the base cell: what a layer, precision, network or method costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from bench.report.forms import EXPLAINED, PER_IMAGE, WHAT, per_image, text, times
from bench.report.frame import label
from bench.report.measured import Measured, common_batch
from bench.report.same_run import Place, places, ratio
from bench.report.table import ABSENT, Shown, Table, View

STAGES = ("time",)
FACTORS = ("base", "layer", "precision", "architecture", "method")
SHARED = ("device", "machine_id", "run_id")
NOTE = (
    "Milliseconds of an image, compiled, and the factor to the base cell of the same column and "
    "batch in the same run, from which it differs in this one factor. The base is one network at "
    "its deepest layer, in float32; a method is held against Grad-CAM. What was not timed at the "
    "base's batch is held against the base at its own. The CSV has every batch. " + EXPLAINED
)


class Step(NamedTuple):
    """A cell and the base cell it differs from in one factor, which has this value instead."""

    factor: str
    value: str
    place: Place
    cell: Measured
    base: Measured


def _cell(factor: str, ratio: float, real: bool, *time: Any) -> str:
    return per_image(*time) + ("" if factor == "base" else f" {times(ratio, real)}")


CELL = ("factor", "ratio", "real", *PER_IMAGE)
SHOWN = (
    Shown("changed", text, ("factor",)),
    Shown("to", lambda value: text(value) or ABSENT, ("value",)),
    WHAT,
    Shown("batch", str, ("batch",)),
)


def make(frame: pd.DataFrame) -> Table:
    """The cells of each run that differ in one factor from its base."""
    by_run: dict[tuple[str, ...], list[Place]] = {}
    for place in places(frame):
        by_run.setdefault(tuple(place.key[name] for name in SHARED), []).append(place)
    lines = []
    for found in by_run.values():
        mine = steps(found)
        shown = _one_batch(mine)
        around = mine[0].place.title if mine else ""
        for step in sorted(mine, key=_rank):
            lines.append(_line(step) | {"around": around, "shown": step in shown})
    view = View(
        ("around",), SHOWN, "column", Shown("", _cell, CELL), where=lambda data: data["shown"]
    )
    return Table("toggles", "One factor at a time", pd.DataFrame(lines), [view], NOTE)


def _rank(step: Step) -> tuple[Any, ...]:
    what = step.cell.timing.what
    depth = step.cell.order if step.factor == "layer" else 0
    name = (FACTORS.index(step.factor), depth, step.value, what["task"], label(what))
    return (*name, what["batch"], what["threads"], step.cell.timing.column)


def steps(found: Sequence[Place]) -> list[Step]:
    """Every cell of one run's places that is one factor away from its base, after the base's own.

    Nothing where no cell is.
    """
    cells = [(place, cell) for place in found for cell in place.cells if _wanted(cell)]
    bases = {_beside(cell): cell for _, cell in cells if not cell.varies - {"batch"}}
    where = {cell: place for place, cell in cells}
    away = []
    for place, cell in cells:
        base, factor = bases.get(_beside(cell)), ", ".join(cell.varies - {"batch"})
        if base is not None and factor in FACTORS[1:]:
            value = _value(factor, place, cell, where[base])
            away.append(Step(factor, value, place, cell, base))
    own = list(dict.fromkeys(step.base for step in away))
    return [*(Step("base", "", where[cell], cell, cell) for cell in own), *away]


def _wanted(cell: Measured) -> bool:
    timing = cell.timing
    ours = timing.estimate is not None and not timing.what["library"]
    return ours and timing.what["task"] in ("forward", "heatmap")


def _beside(cell: Measured) -> tuple[Any, ...]:
    """What a cell and its base have in common."""
    what = cell.timing.what
    return what["task"], cell.timing.column, what["batch"], what["threads"]


def _value(factor: str, place: Place, cell: Measured, base: Place) -> str:
    what, key = cell.timing.what, place.key
    if factor == "architecture":
        other = f" ({key['dataset']})" if key["dataset"] != base.key["dataset"] else ""
        return f"{key['architecture']}{other}"
    return label(what) if factor == "method" else str(what[factor])


def _one_batch(found: list[Step]) -> list[Step]:
    """The base's batch, and what was not timed at it at its own largest."""
    chosen = common_batch(step.cell for step in found)
    by_line: dict[tuple[str, ...], list[Step]] = {}
    for step in found:
        by_line.setdefault((step.factor, step.value, label(step.cell.timing.what)), []).append(step)
    kept = []
    for mine in by_line.values():
        batches = {step.cell.batch for step in mine}
        only = chosen if chosen in batches else max(batches)
        kept += [step for step in mine if step.cell.batch == only]
    return kept


def _line(step: Step) -> dict[str, Any]:
    timing = step.cell.timing
    line = {"factor": step.factor, "value": step.value, **step.place.line(timing)}
    line |= {"base_ms_per_image": step.base.timing.per_image.value}
    return line | ratio(timing, step.base.timing)
