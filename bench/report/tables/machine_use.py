"""What each mode makes of the machine, plain and tuned: its share of the peak, and the cores."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.record.schema import MODES
from bench.report import clock
from bench.report.files import Section, Table
from bench.report.measured import Measured, plain
from bench.report.same_run import Place, places, ratio
from bench.report.text import interval, number, share
from bench.report.wording import PAIRED, legend, named, times

TITLE = "What each mode makes of the machine"
STAGES = ("time",)
SHOWN = ("", "grad_cam")
"""The methods shown: none, which is a forward pass or a training step, and Grad-CAM."""
NOTE = (
    "Milliseconds per call: typical of the processes, with its interval. Compiled is the plain "
    "figure: what a framework makes of the machine by itself. Tuned is what an expert adds: JAX, "
    "and Keras on it, share a batch over as many host devices as there are cores; the others have "
    "nothing to add. Share of peak: of the floating-point operations a second that the machine was "
    "measured to do in a matrix product, those counted from the architecture. Cores in use: CPU "
    "time over "
    "wall time. To its best: over the same column's fastest mode. " + PAIRED
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`machine_use`, where cores were measured: our forward passes, training steps, Grad-CAM."""
    lines: list[dict[str, Any]] = []
    sections = []
    for place in places(frame):
        cells = _shown(place)
        lines += [_line(place, cell) for cell in cells]
        if cells:
            texts = _texts(place, cells)
            sections.append(Section(place.title, pd.DataFrame(texts), legend(texts)))
    if not lines:
        return []
    return [Table("machine_use", TITLE, pd.DataFrame(lines), sections, NOTE)]


def _shown(place: Place) -> list[Measured]:
    """By thing done, batch, column and mode, at the deepest layer and the base precision."""
    mine = [cell for cell in place.cells if _wanted(cell)]
    return sorted(plain(mine), key=_rank)


def _wanted(cell: Measured) -> bool:
    what = cell.timing.what
    ours = not what["library"] and what["method"] in SHOWN
    return ours and cell.timing.estimate is not None and cell.beside["cores_in_use"] > 0


def _rank(cell: Measured) -> tuple[Any, ...]:
    what, timing = cell.timing.what, cell.timing
    task = clock.TASKS.index(what["task"])
    return task, what["batch"], timing.column, MODES.index(timing.mode)


def _best(place: Place, cell: Measured) -> Measured:
    return min(place.modes(cell.timing), key=lambda other: other.timing.per_image.value)


def _line(place: Place, cell: Measured) -> dict[str, Any]:
    return {
        **place.line(cell.timing),
        "peak_share": cell.beside["peak_share"],
        "cores_in_use": cell.beside["cores_in_use"],
        "best_ms_per_image": _best(place, cell).timing.per_image.value,
        "ms_per_image": cell.timing.per_image.value,
        **ratio(cell.timing, _best(place, cell).timing),
    }


def _texts(place: Place, cells: list[Measured]) -> list[dict[str, str]]:
    toggles = [name for name in clock.varying([c.timing.what for c in cells]) if name != "batch"]
    texts = []
    for cell in cells:
        best = _best(place, cell)
        compared = ratio(cell.timing, best.timing)
        assert cell.timing.estimate is not None
        texts.append(
            {
                "what": named(cell.timing.what, toggles),
                "batch": str(cell.timing.what["batch"]),
                "column": cell.timing.column,
                "mode": cell.timing.mode,
                "ms": interval(cell.timing.estimate) + cell.timing.marks,
                "share of peak": share(cell.beside["peak_share"]),
                "cores in use": number(cell.beside["cores_in_use"]),
                "to its best": times(compared["ratio"], cell is best or compared["real"]),
            }
        )
    return texts
