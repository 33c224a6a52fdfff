"""Each column in its best mode: a line a column for one thing done, with its factor to the best."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bench.report.measured import Measured, fastest, started
from bench.report.statistics import different

SAME = ("batch", "precision", "threads", "weights")
"""What a forward pass shares with all that is held against it."""
Passes = dict[tuple[Any, ...], Measured]


def forward_passes(cells: Iterable[Measured]) -> Passes:
    """The best forward pass of each column, run and batch: a slow one must not flatter."""
    beside: dict[tuple[Any, ...], list[Measured]] = {}
    for cell in cells:
        if cell.timing.what["task"] == "forward":
            beside.setdefault(_beside(cell), []).append(cell)
    found = {key: fastest(mine) for key, mine in beside.items()}
    return {key: best for key, best in found.items() if best is not None}


def _beside(cell: Measured) -> tuple[Any, ...]:
    return cell.timing.column, cell.run_id, *(cell.timing.what[name] for name in SAME)


def lines_of(what: dict[str, Any], cells: list[Measured], passes: Passes) -> list[dict[str, Any]]:
    """One line a column: its best mode, or why it has none. Ratios are of one run."""
    run = _run(cells)
    best = {}
    for column in sorted({cell.timing.column for cell in cells}):
        mine = [cell for cell in cells if cell.timing.column == column]
        inside = fastest(cell for cell in mine if cell.run_id == run)
        best[column] = inside or fastest(mine) or _telling(mine)
    first = fastest(cell for cell in best.values() if cell.run_id == run)
    lines = []
    for column, cell in best.items():
        timing = cell.timing
        line = {**what, "column": column, "mode": timing.mode, "run_id": cell.run_id}
        if timing.estimate is not None:
            mine_ms = timing.per_image
            line |= {
                "ms_per_image": mine_ms.value,
                "ms_low": mine_ms.low,
                "ms_high": mine_ms.high,
                "processes": mine_ms.processes,
                "stable": mine_ms.stable,
            }
            if first is not None and cell.run_id == run:
                line["best_ms_per_image"] = first.timing.per_image.value
                line["factor"] = timing.over(first.timing)
                line["differs_from_best"] = different(mine_ms, first.timing.per_image)
            if (forward := passes.get(_beside(cell))) is not None:
                line["forward_ms_per_image"] = forward.timing.per_image.value
                line["forward_ratio"] = timing.over(forward.timing)
        lines.append(
            line | {"stale": timing.stale, "status": timing.status, "reason": timing.reason}
        )
    return lines


def _run(cells: list[Measured]) -> str:
    """The run that has times of the most columns, of those the newest."""
    columns: dict[str, set[str]] = {cell.run_id: set() for cell in cells}
    for cell in cells:
        if cell.timing.estimate:
            columns[cell.run_id].add(cell.timing.column)
    return max(columns, key=lambda run: (len(columns[run]), started(run)))


def _telling(cells: list[Measured]) -> Measured:
    """Of cells without a time the one whose reason tells most."""
    return max(cells, key=lambda cell: cell.timing.status == "wrong")
