"""What an image costs as the batch grows: the forward pass and Grad-CAM, in every mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report import clock, forms
from bench.report.clock import Timing
from bench.report.measured import plain
from bench.report.same_run import RUN, Place, places, ratio
from bench.report.table import Shown, Table, View

STAGES = ("time",)
GRAD_CAM = "grad_cam"
NOTE = (
    "Milliseconds of an image, and how many times less that is than at batch 1 in the same run. "
    "The CSV has the images a second. " + forms.EXPLAINED
)
SAME = tuple(name for name in clock.WHAT if name != "batch")


def _cell(speed_up: float, real: bool, *time: Any) -> str:
    first = forms.missing(speed_up) or time[-1] == 1
    return forms.per_image(*time) + ("" if first else f" {forms.times(speed_up, real)}")


CELL = ("speed_up", "real", *forms.PER_IMAGE)
OTHERS = (each for each in forms.TOGGLES if each is not forms.BATCH)
SHOWN = (forms.WHAT, *OTHERS, forms.COLUMN, forms.MODE)
VIEW = View(RUN, SHOWN, "batch", Shown("", _cell, CELL), "batch {}")


def make(frame: pd.DataFrame) -> Table:
    """What was timed at two batches or more in one run."""
    lines = (line for place in places(frame) for mine in _series(place) for line in mine)
    return Table("batch_scaling", "Batch scaling", pd.DataFrame(lines), [VIEW], NOTE)


def _series(place: Place) -> Iterator[list[dict[str, Any]]]:
    """Forward passes and Grad-CAM at the deepest layer and base precision, by task and column."""
    timed = [cell for cell in place.cells if cell.timing.estimate]
    by_name: dict[tuple[Any, ...], list[Timing]] = {}
    for cell in plain(cell for cell in timed if _wanted(cell.timing.what)):
        timing = cell.timing
        name = (*(timing.what[part] for part in SAME), timing.column, timing.mode)
        by_name.setdefault(name, []).append(timing)
    for _, found in sorted(by_name.items(), key=lambda item: _rank(item[0])):
        if len(found) > 1:
            yield _lines(place, found)


def _wanted(what: dict[str, Any]) -> bool:
    if what["library"]:
        return False
    return what["task"] == "forward" or (what["method"] == GRAD_CAM and not what["options"])


def _rank(name: tuple[Any, ...]) -> tuple[Any, ...]:
    return (clock.place(name[0], clock.TASKS), *name[1:])


def _lines(place: Place, found: list[Timing]) -> list[dict[str, Any]]:
    """A line a batch, with its speed-up over single images where these were timed."""
    first = found[0]
    lines = []
    for timing in found:
        line = place.line(timing) | {"images_per_s": 1e3 / timing.per_image.value}
        if first.what["batch"] == 1:
            compared = ratio(first, timing)
            line |= {"single_ms": first.per_image.value}
            line |= {"speed_up": compared["ratio"], "real": compared["real"]}
        lines.append(line)
    return lines
