"""Seconds until so many calls are done, compiling included: where the lines cross it has paid."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from bench.report.charts import sheet
from bench.report.charts.selection import price
from bench.report.files import stem
from bench.report.frame import named
from bench.report.measured import one_batch, plain
from bench.report.statistics import different
from bench.report.tables.price_of_jit import Pair, break_even, priced

TITLE = "When compiling pays"
STAGES = ("time",)


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`price_of_jit_<data set>_<architecture>_<device>`: a panel for each thing done, by run."""
    machines = frame["machine_id"].nunique()
    drawn: dict[str, tuple[str, list[list[Pair]]]] = {}
    for place, pairs in priced(frame):
        if found := _panels(pairs):
            parts = list(map(str, place.key.values()))[: 4 if machines > 1 else 3]
            _, mine = drawn.setdefault(stem("price_of_jit", *parts), (", ".join(parts), []))
            mine += found
    for name, (network, mine) in drawn.items():
        yield name, _figure(network, mine)


def _panels(pairs: list[Pair]) -> list[list[Pair]]:
    """What is drawn: our own methods at the base, each with the best compiled mode of a column."""
    ours = [
        pair
        for pair in pairs
        if not pair[1].timing.what["library"] and math.isfinite(pair[1].timing.compile_s)
    ]
    kept = one_batch(plain(compiled for _, compiled in ours))
    best: dict[tuple[Any, ...], dict[str, Pair]] = {
        tuple(cell.timing.what.values()): {} for cell in kept
    }
    for pair in sorted(ours, key=lambda pair: pair[1].timing.per_image.value):
        if pair[1] in kept:
            best[tuple(pair[1].timing.what.values())].setdefault(pair[1].timing.column, pair)
    return [list(mine.values()) for mine in best.values()]


def _figure(network: str, found: list[list[Pair]]) -> dict[str, Any]:
    drawn = [
        (named(pairs[0][0].timing.what, ("batch",)), price(), list(_rows(pairs))) for pairs in found
    ]
    return sheet(f"{TITLE}: {network}", drawn)


def _rows(pairs: Iterable[tuple[Any, Any]]) -> Iterator[dict[str, Any]]:
    """Both modes of a column, and the call at which compiling has paid, where they differ."""
    for eager, compiled in sorted(pairs, key=lambda pair: pair[1].timing.column):
        before, after = eager.timing.estimate, compiled.timing.estimate
        start = compiled.timing.before_calls_s
        same = {"column": compiled.timing.column, "batch": compiled.timing.what["batch"]}
        yield {**same, "mode": eager.timing.mode, "before_s": 0.0, "call_ms": before.value}
        calls = break_even(start, before.value, after.value)
        told = {"break_even": calls} if different(before, after) else {}
        yield {**same, "mode": compiled.timing.mode + compiled.timing.marks, "before_s": start,
               "call_ms": after.value, **told}  # fmt: skip
