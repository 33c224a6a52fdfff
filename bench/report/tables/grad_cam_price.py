"""Grad-CAM at the price of a forward pass: over the best forward pass of the same column."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.report.forms import (
    COLUMN,
    EXPLAINED,
    MODE,
    TIME,
    TOGGLES,
    number,
    share,
    spread,
    timed,
    times,
)  # fmt: skip
from bench.report.measured import Measured, fastest
from bench.report.same_run import RUN, Place, places, ratio
from bench.report.table import Shown, Table, View

STAGES = ("time",)
GRAD_CAM = "grad_cam"
FORWARD = {"task": "forward", "method": "", "options": "", "score": "logit", "layer": ""}
"""What a cell's forward pass differs in."""
NOTE = (
    "Milliseconds of a call. Ratio: Grad-CAM over the best forward pass of the same column, in "
    "whatever mode that is, at the same batch and precision in the same run. Each column in the "
    "mode in which its Grad-CAM is fastest, in float32 where there is that; the CSV has every mode "
    "and precision. Share of peak: of the operations a second that the machine was measured to do, "
    "those counted from the architecture. Cores in use: CPU time over wall time, of Grad-CAM. "
    + EXPLAINED
)
SHOWN = (
    *TOGGLES,
    COLUMN,
    Shown("Grad-CAM, ms", timed, TIME),
    MODE,
    Shown("best forward pass, ms", spread, ("forward_ms", "forward_low", "forward_high")),
    Shown("its mode", str, ("forward_mode",)),
    Shown("ratio", times, ("ratio", "real")),
    Shown("share of peak", share, ("peak_share",)),
    Shown("forward's share", share, ("forward_peak_share",)),
    Shown("cores in use", number, ("cores_in_use",)),
)


def make(frame: pd.DataFrame) -> Table:
    """Every column that has a forward pass beside Grad-CAM in one run."""
    data = pd.DataFrame([line for place in places(frame) for line in _lines(place)])
    view = View(RUN, SHOWN, where=lambda data: data["shown"])
    return Table("grad_cam_price", "Grad-CAM at the price of a forward pass", data, [view], NOTE)


def _lines(place: Place) -> list[dict[str, Any]]:
    """Every timed Grad-CAM with the best forward pass of its column, deepest layer first."""
    pairs = []
    for cell in place.deepest_first(cell for cell in place.cells if _timed(cell)):
        forward = fastest(place.modes(cell.timing, **FORWARD))
        if forward is not None:
            pairs.append((cell, forward))
    best = _fastest([cell for cell, _ in pairs])
    plain = any("precision" not in cell.varies for cell, _ in pairs)
    return [
        _line(place, cell, forward)
        | {"best_mode": cell in best}
        | {"shown": cell in best and not (plain and "precision" in cell.varies)}
        for cell, forward in pairs
    ]


def _timed(cell: Measured) -> bool:
    what = cell.timing.what
    return what["method"] == GRAD_CAM and not what["library"] and cell.timing.estimate is not None


def _fastest(cells: list[Measured]) -> list[Measured]:
    """The fastest mode of each column, layer, batch and whatever else may vary."""
    modes: dict[tuple[Any, ...], list[Measured]] = {}
    for cell in cells:
        modes.setdefault((cell.timing.column, *cell.timing.what.values()), []).append(cell)
    return [best for mine in modes.values() if (best := fastest(mine))]


def _line(place: Place, cell: Measured, forward: Measured) -> dict[str, Any]:
    assert forward.timing.estimate is not None
    ms = forward.timing.estimate
    return {
        **place.line(cell.timing),
        "forward_ms": ms.value,
        "forward_low": ms.low,
        "forward_high": ms.high,
        "forward_mode": forward.timing.mode,
        **ratio(cell.timing, forward.timing),
        "peak_share": cell.beside["peak_share"],
        "cores_in_use": cell.beside["cores_in_use"],
        "forward_peak_share": forward.beside["peak_share"],
        "forward_cores_in_use": forward.beside["cores_in_use"],
    }
