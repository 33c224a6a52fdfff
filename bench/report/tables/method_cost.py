"""What methods cost: each beside Grad-CAM, and beside the bare passes that it needs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from bench.report.forms import (
    COLUMN,
    EXPLAINED,
    PER_IMAGE,
    TOGGLES,
    count,
    number,
    per_image,
    said,
    share,
    times,
    what,
)
from bench.report.measured import PRECISION, Measured
from bench.report.same_run import RUN, Place, places, ratio
from bench.report.table import Shown, Table, View

STAGES = ("time",)
MODE = "compiled"
GRAD_CAM, GRADIENT = "grad_cam", "saliency"
FEW = 2
"""A method of so many evaluations, or fewer, is held against Grad-CAM; others against passes."""
NOTE = (
    "Our methods, compiled. Over Grad-CAM: of an image, in the same column and batch. Passes: "
    "images through the network for each image explained, those from the layer on in brackets; "
    "backward, how many are pulled back. Passes alone: the milliseconds of as many forward passes, "
    "and where there are backward ones of as many gradients (Grad-CAM where the method reads a "
    "layer, else saliency), each at the batch of the same run where an image costs least. "
    "Efficiency: these over what the method takes, of methods of more than two evaluations; above "
    "100 % where it shares work between them, or its own batches suit the machine better. Passes "
    "that begin at the layer have no time of their own, and such a method no efficiency. "
    + EXPLAINED
)


def _passes(evaluations: float, heads: float) -> str:
    return count(evaluations) + (f" ({heads:.0f})" if heads > 0 else "")


SHOWN = (
    COLUMN,
    Shown("method", what, ("task", "method", "library", "options", "score")),
    *TOGGLES,
    Shown("ms per image", per_image, PER_IMAGE),
    Shown("over Grad-CAM", times, ("ratio", "real")),
    Shown("at most ×1.15", said, ("near",)),
    Shown("passes", _passes, ("evaluations", "heads")),
    Shown("backward", count, ("pullbacks",)),
    Shown("passes alone, ms", number, ("passes_ms_per_image",)),
    Shown("efficiency", share, ("efficiency",)),
)
NEAR = 1.15
"""What a method of one pull-back may cost over Grad-CAM at the last layer."""


def make(frame: pd.DataFrame) -> Table:
    """A line for each method and column of a run that has both beside forward passes."""
    data = pd.DataFrame([line for place in places(frame) for line in _lines(place)])
    return Table("method_cost", "What methods cost", data, [View(RUN, SHOWN)], NOTE)


def _lines(place: Place) -> Iterator[dict[str, Any]]:
    mine = [cell for cell in place.cells if _ours(cell)]
    if {cell.timing.what["method"] for cell in mine} <= {GRAD_CAM}:
        return  # nothing to hold it against
    for cell in sorted(mine, key=_rank):
        few = cell.beside["evaluations"] <= FEW
        beside = _over_grad_cam(mine, cell) if few else _over_passes(mine, place, cell)
        yield place.line(cell.timing) | _worked(cell) | beside


def _ours(cell: Measured) -> bool:
    """Whether it is a heatmap of ours at the base's layer and precision, whose work is known."""
    what = cell.timing.what
    ours = what["task"] == "heatmap" and not what["library"] and cell.timing.mode == MODE
    plain = what["precision"] == PRECISION and "layer" not in cell.varies
    return ours and plain and cell.timing.estimate is not None and _known(cell)


def _known(cell: Measured) -> bool:
    return all(math.isfinite(cell.beside[name]) for name in ("evaluations", "pullbacks", "heads"))


def _rank(cell: Measured) -> tuple[Any, ...]:
    timing = cell.timing
    few = cell.beside["evaluations"] <= FEW
    return timing.column, not few, timing.per_image.value, timing.what["method"]


def _worked(cell: Measured) -> dict[str, float]:
    return {name: cell.beside[name] for name in ("evaluations", "pullbacks", "heads")}


def _over_grad_cam(ours: list[Measured], cell: Measured) -> dict[str, Any]:
    """Its time over Grad-CAM's; a method of one pull-back is told whether it is near."""
    one = next((o for o in ours if _is(o, GRAD_CAM, cell) and o.batch == cell.batch), None)
    if one is None:
        return {}
    found = ratio(cell.timing, one.timing)
    base = {"grad_cam_ms_per_image": one.timing.per_image.value}
    layered = bool(cell.said["order"]) and cell.beside["pullbacks"] <= 1
    return base | found | ({"near": found["ratio"] <= NEAR} if layered else {})


def _over_passes(ours: list[Measured], place: Place, cell: Measured) -> dict[str, Any]:
    """The milliseconds of its passes alone, and their share of what it takes."""
    forward, backward = cell.beside["evaluations"], cell.beside["pullbacks"]
    if cell.beside["heads"] or backward > forward:
        return {}
    passes = _least(other for other in place.cells if _forward(other) and _beside(other, cell))
    name = GRAD_CAM if cell.said["order"] else GRADIENT
    gradients = _least(other for other in ours if _is(other, name, cell))
    if math.isnan(passes) or (backward and math.isnan(gradients)):
        return {}
    needed = (forward - backward) * passes + (backward * gradients if backward else 0.0)
    return {
        "passes_ms_per_image": needed,
        "efficiency": needed / cell.timing.per_image.value,
    }


def _is(other: Measured, method: str, cell: Measured) -> bool:
    what = other.timing.what
    return what["method"] == method and not what["options"] and _beside(other, cell)


def _forward(cell: Measured) -> bool:
    what = cell.timing.what
    return what["task"] == "forward" and cell.timing.mode == MODE


def _beside(other: Measured, cell: Measured) -> bool:
    """Whether the two share all but what was done and the batch."""
    same = ("precision", "threads", "weights")
    alike = all(other.timing.what[name] == cell.timing.what[name] for name in same)
    return alike and other.timing.column == cell.timing.column and bool(other.timing.estimate)


def _least(cells: Iterable[Measured]) -> float:
    return min((cell.timing.per_image.value for cell in cells), default=math.nan)
