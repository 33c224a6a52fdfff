"""Seconds until so many calls are done, compiling included: where the lines cross it has paid."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench.report.canvas import colours, panels
from bench.report.files import stem
from bench.report.frame import named
from bench.report.measured import one_batch, plain
from bench.report.statistics import different
from bench.report.tables.price_of_jit import Pair, break_even, priced

TITLE = "When compiling pays"
STAGES = ("time",)
CALLS = np.logspace(0, 5, 200)


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


def _figure(network: str, found: list[list[Pair]]) -> Any:
    figure, axes = panels(len(found), 4.6, 4.0)
    colour = colours([eager.timing.column for pairs in found for eager, _ in pairs])
    for axis, pairs in zip(axes, found, strict=True):
        for eager, compiled in sorted(pairs, key=lambda pair: pair[1].timing.column):
            _lines(axis, eager.timing, compiled.timing, colour[eager.timing.column])
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_title(named(pairs[0][0].timing.what, ("batch",)), fontsize=9)
        axis.set_xlabel("calls")
        axis.set_ylabel("seconds until they are done")
        axis.legend(fontsize=7)
    lines = "Dashed: eager; solid: compiled, from the compiler's start on; dot: it has paid"
    figure.suptitle(f"{TITLE}: {network}. {lines}")
    return figure


def _lines(axis: Any, eager: Any, compiled: Any, colour: Any) -> None:
    """Both modes of a column, and the call at which compiling has paid, where they differ."""
    before, after = eager.estimate.value / 1e3, compiled.estimate.value / 1e3
    axis.plot(CALLS, before * CALLS, color=colour, ls="--", lw=1)
    label = f"{eager.column}, {compiled.mode}{compiled.marks}"
    axis.plot(CALLS, compiled.before_calls_s + after * CALLS, color=colour, lw=1.4, label=label)
    calls = break_even(compiled.before_calls_s, 1e3 * before, 1e3 * after)
    if 1 <= calls <= CALLS[-1] and different(eager.estimate, compiled.estimate):
        axis.plot([calls], [before * calls], "o", color=colour, ms=5)
