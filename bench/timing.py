"""Time: agree, then clock. What one cell costs in one fresh process.

pytest-benchmark is the stopwatch (`bench/stopwatch.py`, run by `serve`). Added here: the barrier
inside the timed region, inputs and weights as arguments, the check against the oracle before the
clock, the count of compilations, CPU time and the load of the machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import caches, explaining, memory
from bench.cells import Cell
from bench.observed import Observed
from bench.timed import TASKS, Timed
from bench.worker import Reporter, Row

BUDGET_S = 0.15
"""Seconds of samples a cell in a process."""
SAMPLES = (3, 50)
"""The least and the most of them: what differs is processes, so many of these say little."""
ARRAYS = {
    "jax": "jax", "pytorch": "torch", "keras[jax]": "jax", "keras[torch]": "torch",
    "keras[tensorflow]": "tensorflow",
}  # fmt: skip
"""Whose arrays a column computes with, and so whose counter tells of the GPU's memory."""
BARE = True
"""Its processes need a framework and nothing else, unless they time a library."""
COUNTED = ("forward", "heatmap")
"""The tasks whose compilations the frameworks count."""


class Wrong(Exception):
    """The cell's answer is wrong: it is published with its error and without a time."""

    def __init__(self, row: Row, reason: str) -> None:
        super().__init__(reason)
        self.row = row


def measure(cell: Cell, context: Mapping[str, Any], benchmark: Any) -> Iterator[Row]:
    """One row: agreement first, then the samples."""
    timed = TASKS[cell.task](cell, context)
    traced = timed.framework.compilations()
    compiles = cell.mode != "eager" and timed.compiles
    first, first_s = _clocked(timed, 0)
    one = explaining.to_host(timed.framework, first)
    agreeing = _agreeing(timed.check(first))
    del first
    with memory.Watched(ARRAYS.get(cell.column.label, "") if cell.device == "gpu" else "") as held:
        second, steady_s = _clocked(timed, 1)
    checked = _told_apart(agreeing, one, explaining.to_host(timed.framework, second))
    compiled = timed.framework.compilations()
    if compiles and cell.task in COUNTED and compiled == traced:
        raise Wrong(checked, f"nothing was compiled in mode {cell.mode}: it ran eagerly")
    rounds = int(np.clip(BUDGET_S / steady_s, *SAMPLES))
    # It is warm: a GPU's graphs need two calls before they replay, and two there were.
    with Observed(cell) as observed:
        benchmark.pedantic(timed.barriered, args=(0,), rounds=rounds, iterations=1)
    recompiled = timed.framework.compilations() - compiled
    if recompiled:
        raise Wrong(checked, f"compiled {recompiled} times while timed")
    samples = np.array(benchmark.stats.stats.data) / timed.parts
    median = float(np.median(samples))
    low, high = np.percentile(samples, [25, 75])
    yield {
        **checked,
        **timed.cost,
        "compile_s": max(first_s - steady_s, 0.0) if compiles else None,
        "compile_count": compiled,
        "cache": os.environ.get(caches.STATE, "cold"),
        "samples_ns": [round(1e9 * sample) for sample in samples],
        "median_ms": 1e3 * median,
        "iqr_ms": 1e3 * float(high - low),
        "min_ms": 1e3 * float(samples.min()),
        "p95_ms": 1e3 * float(np.percentile(samples, 95)),
        "images_per_s": cell.batch / median,
        "peak_share": _share(timed.cost.get("flops"), median, cell, context),
        **held.row,
        **observed.row,
        "notes": "; ".join(n for n in (checked.get("notes"), timed.cost.get("notes")) if n) or None,
        "energy_j": observed.joules / rounds / timed.parts if observed.joules else None,
    }


def _clocked(timed: Timed, number: int) -> tuple[Any, float]:
    """What one call gives, and its seconds."""
    began = time.perf_counter()
    value = timed.barriered(number)
    return value, time.perf_counter() - began


def _agreeing(row: Row) -> Row:
    """The row of the check. Raises Wrong where the answer is not the oracle's."""
    if row.get("agree") is False:
        error = f"max_rel {row['max_rel']:.3g} against a tolerance of {row['tolerance']}"
        raise Wrong(row, f"disagrees with the oracle: {error}")
    return row


def _told_apart(row: Row, one: NDArray[Any], other: NDArray[Any]) -> Row:
    """The row again. Raises Wrong where two inputs gave one answer."""
    if not one.any() and not other.any():
        # Maps after ReLU may be zero for a whole batch: then equality says nothing.
        return {**row, "notes": "every map is zero: that inputs are not folded in went unchecked"}
    if np.array_equal(one, other):
        raise Wrong(row, "two different inputs gave the same output: it was computed beforehand")
    return row


def _share(
    flops: float | None, seconds: float, cell: Cell, context: Mapping[str, Any]
) -> float | None:
    """Of the machine's measured peak; None where one of the two was not measured."""
    peak = context.get("peak", {}).get(cell.precision) if cell.device == "cpu" else None
    return flops / seconds / peak if flops and peak else None


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    """The child's entry: pytest runs `bench/stopwatch.py`, a test a cell."""
    import pytest

    from bench.stopwatch import Cells

    # Of pytest's plugins this one alone: others cost seconds at the end of every process.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    here = Path(__file__).parent
    pytest.main(
        ["-q", "-p", "pytest_benchmark.plugin", "-p", "no:cacheprovider", "--assert=plain",
         "-c", str(here / "stopwatch.ini"), f"--rootdir={here}", "--benchmark-warmup=off",
         str(here / "stopwatch.py")],
        plugins=[Cells(cells, context, report)],
    )  # fmt: skip
