"""Each column in its best mode: a line a column for one thing done, with its factor to the best."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bench.report.clock import Timing
from bench.report.measured import started
from bench.report.statistics import different

SAME = ("batch", "precision", "threads", "weights")
"""What a forward pass shares with all that is held against it."""
Passes = dict[tuple[Any, ...], Timing]


def forward_passes(timings: Iterable[Timing], runs: dict[int, str]) -> Passes:
    """The best forward pass of each column, run, batch and precision: a slow one must not flatter.

    `runs` has the run of each timing, by the timing's `id`.
    """
    best: Passes = {}
    for timing in timings:
        if timing.what["task"] == "forward" and timing.estimate:
            known = best.setdefault(_beside(timing, runs), timing)
            if timing.per_image.median < known.per_image.median:
                best[_beside(timing, runs)] = timing
    return best


def _beside(timing: Timing, runs: dict[int, str]) -> tuple[Any, ...]:
    return timing.column, runs[id(timing)], *(timing.what[name] for name in SAME)


def lines_of(
    what: dict[str, Any], timings: list[Timing], runs: dict[int, str], passes: Passes
) -> list[dict[str, Any]]:
    """One line a column: its best mode, or why it has none. Ratios are of one run."""
    run = _run(timings, runs)
    best = {}
    for column in sorted({timing.column for timing in timings}):
        mine = [timing for timing in timings if timing.column == column]
        inside = [timing for timing in mine if runs[id(timing)] == run]
        best[column] = _best(inside if any(t.estimate for t in inside) else mine)
    timed = [t for t in best.values() if t.estimate and runs[id(t)] == run]
    first = min(timed, key=lambda timing: timing.per_image.median, default=None)
    lines = []
    for column, timing in best.items():
        line = {**what, "column": column, "mode": timing.mode, "run_id": runs[id(timing)]}
        if timing.estimate is not None:
            mine_ms = timing.per_image
            line |= {
                "ms_per_image": mine_ms.median,
                "ms_low": mine_ms.low,
                "ms_high": mine_ms.high,
                "processes": mine_ms.processes,
                "stable": mine_ms.stable,
            }
            if first is not None and line["run_id"] == run:
                line["factor"] = timing.over(first)
                line["differs_from_best"] = different(mine_ms, first.per_image)
            if (forward := passes.get(_beside(timing, runs))) is not None:
                line["forward_ratio"] = timing.over(forward)
        lines.append(
            line | {"stale": timing.stale, "status": timing.status, "reason": timing.reason}
        )
    return lines


def _run(timings: list[Timing], runs: dict[int, str]) -> str:
    """The run that has times of the most columns, of those the newest."""
    columns: dict[str, set[str]] = {runs[id(timing)]: set() for timing in timings}
    for timing in timings:
        if timing.estimate:
            columns[runs[id(timing)]].add(timing.column)
    return max(columns, key=lambda run: (len(columns[run]), started(run)))


def _best(timings: list[Timing]) -> Timing:
    """The fastest mode, or where none has a time the one whose reason tells most."""
    timed = [timing for timing in timings if timing.estimate]
    if timed:
        return min(timed, key=lambda timing: timing.per_image.median)
    return max(timings, key=lambda timing: timing.status == "wrong")
