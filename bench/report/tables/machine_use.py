"""What each mode makes of the machine, plain and tuned: its share of the peak, and the cores."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.record.schema import MODES
from bench.report import clock, forms
from bench.report.measured import Measured, fastest, plain
from bench.report.same_run import RUN, Place, places, ratio
from bench.report.table import Shown, Table, View

STAGES = ("time",)
FORWARD = {"task": "forward", "method": "", "options": "", "score": "logit", "layer": ""}
"""What a heatmap's forward pass differs in."""
METHODS = ("", "grad_cam")
"""The methods shown: none, which is a forward pass or a training step, and Grad-CAM."""
NOTE = (
    "Milliseconds of a call. Compiled is the plain figure: what a framework makes of the machine "
    "by itself. Tuned is what an expert adds: JAX, and Keras on it, share a batch over as many "
    "host devices as there are cores; the others have nothing to add. Share of peak: of the "
    "floating-point operations a second that the machine was measured to do in a matrix product, "
    "those counted from the architecture. Cores in use: CPU time over wall time. To its best: over "
    "the same column's fastest mode. Of a forward pass: Grad-CAM over the column's best forward "
    "pass at the same batch, in whatever mode that is. " + forms.EXPLAINED
)
SHOWN = (
    forms.WHAT,
    *forms.TOGGLES,
    forms.COLUMN,
    forms.MODE,
    forms.CALL,
    Shown("share of peak", forms.share, ("peak_share",)),
    Shown("cores in use", forms.number, ("cores_in_use",)),
    Shown("to its best", forms.times, ("ratio", "real")),
    Shown("of a forward pass", forms.times, ("forward_ratio", "forward_real"), ""),
)


def make(frame: pd.DataFrame) -> Table:
    """Our forward passes, training steps and Grad-CAM, where cores were measured."""
    lines = [_line(place, cell) for place in places(frame) for cell in _chosen(place)]
    title = "What each mode makes of the machine"
    return Table("machine_use", title, pd.DataFrame(lines), [View(RUN, SHOWN)], NOTE)


def _chosen(place: Place) -> list[Measured]:
    """By thing done, batch, column and mode, at the deepest layer and the base precision."""
    return sorted(plain(cell for cell in place.cells if _wanted(cell)), key=_rank)


def _wanted(cell: Measured) -> bool:
    what = cell.timing.what
    ours = not what["library"] and what["method"] in METHODS
    return ours and cell.timing.estimate is not None and cell.beside["cores_in_use"] > 0


def _rank(cell: Measured) -> tuple[Any, ...]:
    what, timing = cell.timing.what, cell.timing
    task = clock.place(what["task"], clock.TASKS)
    return task, what["batch"], timing.column, clock.place(timing.mode, MODES)


def _line(place: Place, cell: Measured) -> dict[str, Any]:
    best = min(place.modes(cell.timing), key=lambda other: other.timing.per_image.value)
    return {
        **place.line(cell.timing),
        "peak_share": cell.beside["peak_share"],
        "cores_in_use": cell.beside["cores_in_use"],
        "best_ms_per_image": best.timing.per_image.value,
        **ratio(cell.timing, best.timing),
        **_over_forward(place, cell),
    }


def _over_forward(place: Place, cell: Measured) -> dict[str, Any]:
    """A heatmap over the best forward pass; nothing where there is none beside it."""
    forward = fastest(place.modes(cell.timing, **FORWARD))
    if cell.timing.what["task"] != "heatmap" or forward is None:
        return {}
    found = ratio(cell.timing, forward.timing)
    line = {f"forward_{name}": value for name, value in found.items()}
    return {"forward_ms_per_image": forward.timing.per_image.value, **line}
