"""One factor at a time around the base cell: what a layer, precision, network or method costs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.report import base
from bench.report.factors import FACTORS, Base, Step, steps
from bench.report.files import Section, Table
from bench.report.frame import label
from bench.report.same_run import Place, places, ratio
from bench.report.text import ABSENT
from bench.report.wording import PAIRED, legend, per_image, times

TITLE = "One factor at a time"
STAGES = ("time",)
SHARED = ("device", "machine_id", "run_id")
NOTE = (
    "Milliseconds per image, compiled: typical of the processes, with its interval, and the "
    "factor to the base cell of the same column and batch in the same run, from which it differs "
    "in this one factor. The base is the network with most cells, at its deepest layer, in "
    "float32; a method is held against Grad-CAM. What was not timed at the base's batch is held "
    "against the base at its own. The CSV has every batch. " + PAIRED
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`toggles`, where cells of one run differ in one factor from its base."""
    by_run: dict[tuple[str, ...], list[Place]] = {}
    for place in places(frame):
        by_run.setdefault(tuple(place.key[name] for name in SHARED), []).append(place)
    lines: list[dict[str, Any]] = []
    sections = []
    for found in by_run.values():
        centre, mine = steps(found)
        by_network = {id(cell): place for place in found for cell in place.cells}
        lines += [_line(by_network[id(step.cell)], step) for step in mine]
        if centre and mine:
            texts = _texts(centre, _one_batch(mine))
            heading = f"{centre.place.title}: around {centre.layer}, {centre.precision}"
            sections.append(Section(heading, pd.DataFrame(texts), legend(texts)))
    if not lines:
        return []
    return [Table("toggles", TITLE, pd.DataFrame(lines), sections, NOTE)]


def _one_batch(found: list[Step]) -> list[Step]:
    """The base's batch, and what was not timed at it at its own largest."""
    chosen = base.common_batch(step.cell.timing.what for step in found)
    by_line: dict[tuple[str, ...], list[Step]] = {}
    for step in found:
        by_line.setdefault((step.factor, step.value, label(step.cell.timing.what)), []).append(step)
    kept = []
    for mine in by_line.values():
        batches = {step.cell.timing.what["batch"] for step in mine}
        only = chosen if chosen in batches else max(batches)
        kept += [step for step in mine if step.cell.timing.what["batch"] == only]
    return kept


def _line(place: Place, step: Step) -> dict[str, Any]:
    timing = step.cell.timing
    line = {"factor": step.factor, "value": step.value, **place.line(timing)}
    line |= {"ms_per_image": timing.per_image.value}
    return line | {"base_ms_per_image": step.base.timing.per_image.value} | _compared(step)


def _compared(step: Step) -> dict[str, Any]:
    return ratio(step.cell.timing, step.base.timing)


def _texts(centre: Base, found: list[Step]) -> list[dict[str, str]]:
    """A line for each value of each factor and each thing done; the columns across."""
    layers = base.by_depth(
        centre.place.key["architecture"], (s.value for s in found if s.factor == "layer")
    )
    columns = sorted({step.cell.timing.column for step in found})

    def line(step: Step) -> tuple[Any, ...]:
        what = step.cell.timing.what
        depth = layers.index(step.value) if step.factor == "layer" else 0
        name = (FACTORS.index(step.factor), depth, step.value, what["task"], label(what))
        return (*name, what["batch"], what["threads"])

    texts: dict[tuple[Any, ...], dict[str, str]] = {}
    for step in sorted(found, key=line):
        what = step.cell.timing.what
        told = label(what) if step.factor != "method" else ABSENT
        empty = {"changed": step.factor, "to": step.value or ABSENT, "what": told}
        empty |= {"batch": str(what["batch"]), **dict.fromkeys(columns, ABSENT)}
        texts.setdefault(line(step), empty)[step.cell.timing.column] = _cell(step)
    return list(texts.values())


def _cell(step: Step) -> str:
    shown = per_image(step.cell.timing)
    if step.factor == "base":
        return shown
    compared = _compared(step)
    return f"{shown} {times(compared['ratio'], compared['real'])}"
