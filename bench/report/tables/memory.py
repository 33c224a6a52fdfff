"""Memory and energy of what is timed, on the host and on the device."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pandas as pd

from bench.record.schema import MODES
from bench.report import clock
from bench.report.files import Section, Table
from bench.report.measured import Measured, plain, things
from bench.report.same_run import Place, places
from bench.report.text import ABSENT, number
from bench.report.wording import legend, named

TITLE = "Memory and energy"
STAGES = ("time",)
SPOTS = {
    "call_memory_mb": "host memory, MB",
    "peak_device_mb": "device memory, MB",
    "energy_j": "energy of a call, J",
}
NOTE = (
    "Medians over processes. Host: the peak of resident memory in a second call, less what was "
    "held before it, after what was free was given back to the system; TensorFlow holds a pool, so "
    "what its own counter tells where that is more. What the first call keeps for all later ones "
    "is not in it. Device: its peak by the framework's own counter. Energy, "
    "where the machine tells it: the whole processor's and GPU's while timed, over the calls. At "
    "the deepest layer and in float32 where there is that; the CSV has every layer and precision."
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`memory`: a section for each quantity that was measured."""
    lines: list[dict[str, Any]] = []
    sections = []
    for place in places(frame):
        cells = [cell for cell in place.cells if _known(cell)]
        lines += [_line(place, cell) for cell in cells]
        shown = plain(cells)
        for spot, title in SPOTS.items():
            mine = [cell for cell in shown if math.isfinite(cell.beside[spot])]
            if mine:
                texts = _texts(mine, spot)
                heading = f"{place.title}: {title}"
                sections.append(Section(heading, pd.DataFrame(texts), legend(texts)))
    if not lines:
        return []
    return [Table("memory", TITLE, pd.DataFrame(lines), sections, NOTE)]


def _known(cell: Measured) -> bool:
    measured = any(math.isfinite(cell.beside[spot]) for spot in SPOTS)
    return measured and cell.timing.estimate is not None


def _line(place: Place, cell: Measured) -> dict[str, Any]:
    return place.line(cell.timing) | {spot: cell.beside[spot] for spot in SPOTS}


def _texts(cells: list[Measured], spot: str) -> list[dict[str, str]]:
    """A line for each thing done, batch and mode; the columns across."""
    columns = sorted({cell.timing.column for cell in cells})
    found = things(cells)
    toggles = [name for name in clock.varying([what for what, _ in found]) if name != "batch"]
    texts = []
    for (what, done), mode in product(found, MODES):
        mine = {c.timing.column: _cell(c, spot) for c in done if c.timing.mode == mode}
        if mine:
            text = {"what": named(what, toggles), "batch": str(what["batch"]), "mode": mode}
            texts.append(text | {column: mine.get(column, ABSENT) for column in columns})
    return texts


def _cell(cell: Measured, spot: str) -> str:
    return number(cell.beside[spot]) + (" †" if cell.timing.stale else "")
