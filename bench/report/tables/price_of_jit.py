"""What compiling costs and when it has paid: eager against each compiled mode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report import forms
from bench.report.clock import Timing
from bench.report.frame import label
from bench.report.measured import Measured, things
from bench.report.same_run import RUN, Place, places
from bench.report.statistics import different
from bench.report.table import ABSENT, Shown, Table, View

STAGES = ("time",)
EAGER, COMPILED = "eager", "compiled"
Pair = tuple[Measured, Measured]
"""The same eager and compiled."""
NOTE = (
    "Milliseconds of a call (a batch, or a training step). Start: the first compilation of a "
    "process, of a tiny network, which starts the compiler. Rows without it are older: it is in "
    "the compile seconds of what their process compiled first, and what compiled alike found the "
    "other's in a cache. Compile: the first call less a steady one. Break-even: calls after which "
    "compiling has paid in a process that compiles nothing else, (start + compile) / (eager - "
    "compiled). " + forms.EXPLAINED
)


def make(frame: pd.DataFrame) -> Table:
    """What has a time both eager and compiled in one column."""
    found = list(priced(frame))
    data = pd.DataFrame([_line(place, *pair) for place, pairs in found for pair in pairs])
    why = [reason for place, pairs in found if pairs for reason in _uncompiled(place)]

    def told(mine: pd.DataFrame) -> list[str]:
        run = mine["run_id"].iloc[0], mine["architecture"].iloc[0]
        return list(dict.fromkeys(text for *key, text in why if tuple(key) == run))

    return Table(
        "price_of_jit", "The price of compiling", data, [View(RUN, SHOWN, told=told)], NOTE
    )


def priced(frame: pd.DataFrame) -> Iterator[tuple[Place, list[Pair]]]:
    """Each place with what was timed there both eager and compiled; often nothing."""
    for place in places(frame):
        pairs = []
        for _, cells in things(place.cells):
            timed = [cell for cell in cells if cell.timing.estimate]
            eager = {c.timing.column: c for c in timed if c.timing.mode == EAGER}
            for cell in timed:
                if cell.timing.mode != EAGER and cell.timing.column in eager:
                    pairs.append((eager[cell.timing.column], cell))
        yield place, pairs


def break_even(before_calls_s: float, eager_ms: float, compiled_ms: float) -> float:
    """Calls after which compiling has paid; infinite where compiled is not faster."""
    if compiled_ms >= eager_ms:
        return math.inf
    return max(1e3 * before_calls_s / (eager_ms - compiled_ms), 0.0)


def _uncompiled(place: Place) -> Iterator[tuple[str, str, str]]:
    """Why what was timed eagerly has no compiled time beside it, with run and architecture."""
    for what, cells in things(place.cells):
        eager = {c.timing.column for c in cells if c.timing.mode == EAGER and c.timing.estimate}
        for timing in (cell.timing for cell in cells if cell.timing.mode == COMPILED):
            if timing.column in eager and timing.estimate is None:
                text = f"{label(what)}, {timing.column}: {timing.reason}"
                yield place.key["run_id"], place.key["architecture"], text


def _line(place: Place, eager: Measured, compiled: Measured) -> dict[str, Any]:
    line = {**place.key, **compiled.timing.what, "column": compiled.timing.column}
    return line | {"mode": compiled.timing.mode} | _numbers(eager.timing, compiled.timing)


def _numbers(eager: Timing, compiled: Timing) -> dict[str, Any]:
    before, after = eager.estimate, compiled.estimate
    assert before is not None
    assert after is not None
    return {
        "eager_ms": before.value,
        "eager_low": before.low,
        "eager_high": before.high,
        "eager_stable": before.stable,
        "eager_stale": eager.stale,
        "compiled_ms": after.value,
        "compiled_low": after.low,
        "compiled_high": after.high,
        "compiled_stable": after.stable,
        "compiled_stale": compiled.stale,
        "speed_up": eager.over(compiled),
        "compiler_s": compiled.compiler_s,
        "compile_s": compiled.compile_s,
        "break_even_calls": break_even(compiled.before_calls_s, before.value, after.value),
        "real": different(before, after),
        "stable": before.stable and after.stable,
        "stale": eager.stale or compiled.stale,
    }


def _compile_s(seconds: float, compiler_s: float) -> str:
    return forms.number(seconds) + (" †" if math.isnan(compiler_s) else "")


def _calls(calls: float, compiler_s: float, real: bool) -> str:
    """A whole number, thousands apart; no more digits than are known."""
    if math.isnan(calls) or not forms.yes(real):
        return ABSENT
    shown = "never" if math.isinf(calls) else f"{float(f'{math.ceil(calls):.3g}'):,.0f}"
    return shown + (" †" if math.isnan(compiler_s) else "")


def _of(mode: str) -> tuple[str, ...]:
    return tuple(f"{mode}_{part}" for part in ("ms", "low", "high", "stable", "stale"))


SHOWN = (
    forms.WHAT,
    *forms.TOGGLES,
    forms.COLUMN,
    Shown("eager ms", forms.timed, _of("eager")),
    forms.MODE,
    Shown("its ms", forms.timed, _of("compiled")),
    Shown("speed-up", forms.times, ("speed_up", "real")),
    Shown("start s", forms.number, ("compiler_s",)),
    Shown("compile s", _compile_s, ("compile_s", "compiler_s")),
    Shown("break-even calls", _calls, ("break_even_calls", "compiler_s", "real")),
)
