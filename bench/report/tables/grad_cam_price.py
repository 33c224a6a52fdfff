"""Grad-CAM at the price of a forward pass: over the best forward pass of the same column."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.report import clock
from bench.report.files import Section, Table
from bench.report.measured import Measured, fastest
from bench.report.same_run import Place, places, ratio
from bench.report.text import number, share
from bench.report.wording import PAIRED, call, legend, times

TITLE = "Grad-CAM at the price of a forward pass"
STAGES = ("time",)
GRAD_CAM = "grad_cam"
FORWARD = {"task": "forward", "method": "", "options": "", "score": "logit", "layer": ""}
"""What a cell's forward pass differs in."""
NOTE = (
    "Milliseconds per call: typical of the processes, with its interval. Ratio: Grad-CAM over the "
    "best forward pass of the same column, in whatever mode that is, at the same batch and "
    "precision in the same run. Each column in the mode in which its Grad-CAM is fastest, in "
    "float32 where there is that; the CSV has every mode and precision. Share of peak: of the "
    "operations a second that the machine was measured to do, those counted from the architecture. "
    "Cores in use: CPU time over wall time, of Grad-CAM. " + PAIRED
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`grad_cam_price`, where a column has a forward pass beside Grad-CAM in one run."""
    lines: list[dict[str, Any]] = []
    sections = []
    for place in places(frame):
        pairs = _pairs(place)
        fastest = _fastest([cell for cell, _ in pairs])
        for cell, forward in pairs:
            lines.append(_line(place, cell, forward) | {"best_mode": cell in fastest})
        if pairs:
            least = min(cell.varies & {"precision"} for cell, _ in pairs)
            shown = [
                (cell, forward)
                for cell, forward in pairs
                if cell in fastest and cell.varies & {"precision"} == least
            ]
            toggles = clock.varying([cell.timing.what for cell, _ in shown])
            texts = [_text(place, *pair, toggles) for pair in shown]
            sections.append(Section(place.title, pd.DataFrame(texts), legend(texts)))
    if not lines:
        return []
    return [Table("grad_cam_price", TITLE, pd.DataFrame(lines), sections, NOTE)]


def _pairs(place: Place) -> list[tuple[Measured, Measured]]:
    """Every timed Grad-CAM with the best forward pass of its column, deepest layer first."""
    pairs = []
    for cell in place.deepest_first(cell for cell in place.cells if _timed(cell)):
        forward = fastest(place.modes(cell.timing, **FORWARD))
        if forward is not None:
            pairs.append((cell, forward))
    return pairs


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
    return {
        **place.line(cell.timing),
        "forward_ms": forward.timing.estimate.value,
        "forward_mode": forward.timing.mode,
        **ratio(cell.timing, forward.timing),
        "peak_share": cell.beside["peak_share"],
        "cores_in_use": cell.beside["cores_in_use"],
        "forward_peak_share": forward.beside["peak_share"],
        "forward_cores_in_use": forward.beside["cores_in_use"],
    }


def _text(place: Place, cell: Measured, forward: Measured, toggles: list[str]) -> dict[str, str]:
    compared = ratio(cell.timing, forward.timing)
    return {
        **place.told(cell.timing, toggles),
        "Grad-CAM, ms": call(cell.timing, {}),
        "best forward pass, ms": call(forward.timing, {}),
        "ratio": times(compared["ratio"], compared["real"]),
        "share of peak": share(cell.beside["peak_share"]),
        "forward's share": share(forward.beside["peak_share"]),
        "cores in use": number(cell.beside["cores_in_use"]),
    }
