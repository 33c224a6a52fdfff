"""Times from rows: one estimate for each thing done, column and mode, over its processes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bench.report.frame import groups
from bench.report.statistics import Estimate, estimate, middle

PLACE = ("dataset", "architecture", "device", "machine_id")
WHAT = (
    "task", "library", "method", "options", "score", "layer", "optimizer", "batch", "precision",
    "threads", "weights", "allocator",
)  # fmt: skip
TOGGLES = ("layer", "batch", "precision", "threads", "weights", "optimizer", "allocator")
TASKS = ("forward", "train_step", "heatmap")
STALE = "† measured before the code, or the way of measuring, was changed."
UNSTABLE = "~ other work was seen, or the processes spread over more than 10 %."


class Timing(NamedTuple):
    """What one column takes for one thing in one mode, for a batch: milliseconds and seconds.

    `estimate` is None where there is no time; `status` and `reason` say why. `medians` are those of
    the processes, by round.
    """

    column: str
    mode: str
    what: dict[str, Any]
    estimate: Estimate | None
    compile_s: float
    status: str
    reason: str
    stale: bool
    medians: Mapping[int, float] = MappingProxyType({})

    @property
    def marks(self) -> str:
        """Signs for stale and unstable."""
        unstable = self.estimate is not None and not self.estimate.stable
        return (" †" if self.stale else "") + (" ~" if unstable else "")

    @property
    def per_image(self) -> Estimate:
        """The estimate for one image of the batch. Raises ValueError where there is no time."""
        if self.estimate is None:
            raise ValueError(f"{self.column} has no time for {self.what}: {self.reason}")
        return self.estimate.scaled(1 / max(self.what["batch"], 1))

    def over(self, other: Timing) -> float:
        """The time for an image over that of another timing of the same run.

        The median over rounds of the ratio in a round, where the two were timed by turns: what
        slowed the machine for a while slowed both. Raises ValueError where one has no time.
        """
        plain = self.per_image.median / other.per_image.median
        images = max(self.what["batch"], 1) / max(other.what["batch"], 1)
        both = self.medians.keys() & other.medians.keys()
        ratios = [self.medians[n] / other.medians[n] / images for n in both]
        return float(np.median(ratios)) if ratios else plain


def timings(rows: pd.DataFrame) -> list[Timing]:
    """Every timing of rows of the `time` stage. A cell that was wrong once has no time."""
    rows = rows[rows["stage"] == "time"]
    return [_timing(key, mine) for key, mine in groups(rows, (*WHAT, "column", "mode"))]


def things(found: list[Timing]) -> list[tuple[dict[str, Any], list[Timing]]]:
    """The timings by what was done: forward pass, training step, then methods, libraries last."""
    by_what: dict[tuple[Any, ...], list[Timing]] = {}
    for timing in found:
        by_what.setdefault(tuple(timing.what.values()), []).append(timing)
    return sorted(
        ((mine[0].what, mine) for mine in by_what.values()), key=lambda pair: _rank(pair[0])
    )


def varying(whats: list[dict[str, Any]]) -> list[str]:
    """The toggles that take more than one value within the same task and method."""
    by_name: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for what in whats:
        name = tuple(what[key] for key in ("task", "library", "method", "options", "score"))
        by_name.setdefault(name, []).append(what)
    return [
        toggle
        for toggle in TOGGLES
        if any(len({what[toggle] for what in same}) > 1 for same in by_name.values())
    ]


def _timing(key: dict[str, Any], rows: pd.DataFrame) -> Timing:
    ok = rows[(rows["status"] == "ok") & np.isfinite(rows["median_ms"])]
    bad = rows[rows["status"] != "ok"]
    wrong = bad[bad["status"] == "wrong"]
    what = {name: key[name] for name in WHAT}
    stale = bool(rows["stale"].any())
    if len(wrong) or ok.empty:
        why = wrong if len(wrong) else bad
        status, reason = ("failed", "no time in the row") if why.empty else _why(why)
        return Timing(key["column"], key["mode"], what, None, np.nan, status, reason, stale)
    found = estimate([float(value) for value in ok["median_ms"]])
    quiet = not any(value is False for value in ok["stable"].tolist())
    found = found._replace(stable=found.stable and quiet)
    compile_s = middle(ok["compile_s"][ok["cache"] != "warm"])
    medians = dict(zip(ok["round"].tolist(), ok["median_ms"].tolist(), strict=True))
    return Timing(key["column"], key["mode"], what, found, compile_s, "ok", "", stale, medians)


def _why(rows: pd.DataFrame) -> tuple[str, str]:
    last = rows.iloc[-1]
    return str(last["status"]), str(last["reason"])


def _rank(what: dict[str, Any]) -> tuple[Any, ...]:
    task = TASKS.index(what["task"]) if what["task"] in TASKS else len(TASKS)
    return (task, *(what[name] for name in WHAT[1:]))
