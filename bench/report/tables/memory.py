"""Memory of what is timed, on the host and on the device."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.record.schema import MODES
from bench.report import clock
from bench.report.forms import BATCH, MODE, TOGGLES, WHAT, marks, number
from bench.report.measured import Measured, plain, things
from bench.report.same_run import RUN, Place, places
from bench.report.table import Shown, Table, View

STAGES = ("time",)
SPOTS = {"call_memory_mb": "host memory, MB", "peak_device_mb": "device memory, MB"}
NOTE = (
    "Medians over processes. Host: the peak of resident memory in a second call, less what was "
    "held before it, after what was free was given back to the system; TensorFlow holds a pool, so "
    "what its own counter tells where that is more. What the first call keeps for all later ones "
    "is not in it. Device: its peak by the framework's own counter. At the deepest layer and in "
    "float32 where there is that; the CSV has every layer and precision."
)


def make(frame: pd.DataFrame) -> Table:
    """What a call asks for, with a view for each kind of memory."""
    data = pd.DataFrame([line for place in places(frame) for line in _lines(place)])
    return Table("memory", "Memory", data, [_view(spot) for spot in SPOTS], NOTE)


def _view(spot: str) -> View:
    others = (each for each in TOGGLES if each is not BATCH)
    return View(
        RUN, (WHAT, *others, Shown("batch", str, ("batch",)), MODE), "column",
        Shown("", _cell, (spot, "stale")), title=SPOTS[spot],
        where=lambda data: data["shown"] & data[spot].notna(),
    )  # fmt: skip


def _cell(mb: float, stale: bool) -> str:
    return number(mb) + marks(True, stale)


def _lines(place: Place) -> list[dict[str, Any]]:
    """By thing done and mode."""
    cells = [cell for cell in place.cells if _known(cell)]
    shown = plain(cells)
    done = [cell for _, mine in things(cells) for cell in sorted(mine, key=_mode)]
    return [
        place.line(cell.timing)
        | {spot: cell.beside[spot] for spot in SPOTS}
        | {"shown": cell in shown}
        for cell in done
    ]


def _mode(cell: Measured) -> int:
    return clock.place(cell.timing.mode, MODES)


def _known(cell: Measured) -> bool:
    measured = any(math.isfinite(cell.beside[spot]) for spot in SPOTS)
    return measured and cell.timing.estimate is not None
