"""What an image costs as the batch grows: the forward pass and Grad-CAM, in every mode."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from bench.report import clock
from bench.report.clock import Timing
from bench.report.files import Section, Table
from bench.report.measured import Measured, plain
from bench.report.same_run import Place, places, ratio
from bench.report.text import ABSENT, number
from bench.report.wording import INTERVAL, legend, named, per_image, times

TITLE = "Batch scaling"
STAGES = ("time",)
GRAD_CAM = "grad_cam"
NOTE = (
    "Milliseconds per image: typical of the processes, with its interval, and how many times less "
    "that is than at batch 1 in the same run. Images a second: by batch, the smallest first. "
    + INTERVAL
)
SAME = tuple(name for name in clock.WHAT if name != "batch")


class Series(NamedTuple):
    """One thing done in one column and mode: its timings, two at least, by rising batch."""

    what: dict[str, Any]
    column: str
    mode: str
    cells: tuple[Measured, ...]

    @property
    def timings(self) -> tuple[Timing, ...]:
        """The cells' times."""
        return tuple(cell.timing for cell in self.cells)

    @property
    def marks(self) -> str:
        """The signs of any of its timings."""
        signs = "".join(timing.marks for timing in self.timings)
        return "".join(f" {sign}" for sign in "†~" if sign in signs)


def make(frame: pd.DataFrame) -> list[Table]:
    """`batch_scaling`, where something was timed at two batches in one run."""
    lines: list[dict[str, Any]] = []
    sections = []
    for place in places(frame):
        found = series(place)
        lines += [line for one in found for line in _lines(place, one)]
        if found:
            texts = _texts(found)
            sections.append(Section(place.title, pd.DataFrame(texts), legend(texts)))
    if not lines:
        return []
    return [Table("batch_scaling", TITLE, pd.DataFrame(lines), sections, NOTE)]


def series(place: Place) -> list[Series]:
    """Forward passes and Grad-CAM at the deepest layer and base precision, by task and column."""
    timed = [cell for cell in place.cells if cell.timing.estimate]
    mine = [cell for cell in timed if _wanted(cell.timing.what)]
    by_name: dict[tuple[Any, ...], list[Measured]] = {}
    for cell in plain(mine):
        timing = cell.timing
        name = (*(timing.what[part] for part in SAME), timing.column, timing.mode)
        by_name.setdefault(name, []).append(cell)
    return [
        Series(found[0].timing.what, found[0].timing.column, found[0].timing.mode, tuple(found))
        for _, found in sorted(by_name.items(), key=lambda item: _rank(item[0]))
        if len(found) > 1
    ]


def _wanted(what: dict[str, Any]) -> bool:
    if what["library"]:
        return False
    return what["task"] == "forward" or (what["method"] == GRAD_CAM and not what["options"])


def _rank(name: tuple[Any, ...]) -> tuple[Any, ...]:
    return (clock.TASKS.index(name[0]), *name[1:])


def _first(one: Series) -> Timing | None:
    """The timing of single images, which the others are held against."""
    return one.timings[0] if one.timings[0].what["batch"] == 1 else None


def _lines(place: Place, one: Series) -> list[dict[str, Any]]:
    first = _first(one)
    lines = []
    for timing in one.timings:
        mine = timing.per_image.value
        line = place.line(timing) | {"ms_per_image": mine, "images_per_s": 1e3 / mine}
        if first is not None:
            compared = ratio(first, timing)
            line |= {"single_ms": first.per_image.value}
            line |= {"speed_up": compared["ratio"], "real": compared["real"]}
        lines.append(line)
    return lines


def _texts(found: list[Series]) -> list[dict[str, str]]:
    toggles = [name for name in clock.varying([one.what for one in found]) if name != "batch"]
    batches = sorted({timing.what["batch"] for one in found for timing in one.timings})
    texts = []
    for one in found:
        by_batch = {timing.what["batch"]: timing for timing in one.timings}
        text = {"per image": named(one.what, toggles), "column": one.column, "mode": one.mode}
        text |= {f"batch {n}": _cell(by_batch.get(n), _first(one)) for n in batches}
        rates = (number(1e3 / timing.per_image.value) for timing in one.timings)
        texts.append(text | {"images/s": " / ".join(rates)})
    return texts


def _cell(timing: Timing | None, first: Timing | None) -> str:
    if timing is None:
        return ABSENT
    if first is None or timing is first:
        return per_image(timing)
    compared = ratio(first, timing)
    return f"{per_image(timing)} {times(compared['ratio'], compared['real'])}"
