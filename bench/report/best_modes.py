"""Each column in its best mode: a line a column for one thing done, with its factor to the best."""

from __future__ import annotations

from typing import Any

from bench.report.clock import Timing
from bench.report.measured import started
from bench.report.statistics import different


def lines_of(
    what: dict[str, Any], timings: list[Timing], runs: dict[int, str]
) -> list[dict[str, Any]]:
    """One line a column: its best mode, or why it has none. Factors are of one run."""
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
                least = first.per_image
                line["factor"] = mine_ms.median / least.median
                line["differs_from_best"] = different(mine_ms, least)
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


def add_forward_ratio(lines: list[dict[str, Any]]) -> None:
    """Each time over the best forward pass of the same column, run, batch and precision.

    In its best mode, whichever that is: a slow one must not flatter.
    """
    same = ("column", "run_id", "batch", "precision", "threads", "weights")
    forward: dict[tuple[Any, ...], float] = {}
    for line in lines:
        if line["task"] == "forward" and "ms_per_image" in line:
            forward[tuple(line[name] for name in same)] = line["ms_per_image"]
    for line in lines:
        key = tuple(line[name] for name in same)
        if "ms_per_image" in line and key in forward:
            line["forward_ratio"] = line["ms_per_image"] / forward[key]
