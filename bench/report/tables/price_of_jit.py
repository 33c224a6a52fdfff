"""What compiling costs and when it has paid: eager against each compiled mode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report.clock import Timing
from bench.report.files import Section, Table
from bench.report.frame import label
from bench.report.measured import Measured, things
from bench.report.same_run import Place, places
from bench.report.statistics import different
from bench.report.text import ABSENT, interval, number
from bench.report.wording import PAIRED, legend, times

TITLE = "The price of compiling"
STAGES = ("time",)
EAGER, COMPILED = "eager", "compiled"
Pair = tuple[Measured, Measured]
"""The same eager and compiled."""
NOTE = (
    "Milliseconds per call (a batch, or a training step): median over processes with its "
    "interval. Start: the first compilation of a process, of a tiny network, which starts the "
    "compiler. Rows without it are older: it is in the compile seconds of what their process "
    "compiled first, and what compiled alike found the other's in a cache. Compile: the first call "
    "less a steady one. Break-even: calls after which compiling has paid in a process that "
    "compiles nothing else, (start + compile) / (eager - compiled). " + PAIRED
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`price_of_jit`, where a column has a time both eager and compiled."""
    lines: list[dict[str, Any]] = []
    sections = []
    for place, pairs in priced(frame):
        texts = []
        for eager, compiled in pairs:
            line = _line(eager.timing, compiled.timing)
            lines.append({**place.key, **compiled.timing.what, **line})
            texts.append(_text(compiled.timing.what, eager.timing, compiled.timing, line))
        if texts:
            notes = (*legend(texts), *_uncompiled(place))
            sections.append(Section(place.title, pd.DataFrame(texts), notes))
    if not lines:
        return []
    return [Table("price_of_jit", TITLE, pd.DataFrame(lines), sections, NOTE)]


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


def _uncompiled(place: Place) -> list[str]:
    """Why what was timed eagerly has no compiled time beside it, a line for each reason."""
    found: dict[str, None] = {}
    for what, cells in things(place.cells):
        eager = {c.timing.column for c in cells if c.timing.mode == EAGER and c.timing.estimate}
        for timing in (cell.timing for cell in cells if cell.timing.mode == COMPILED):
            if timing.column in eager and timing.estimate is None:
                found[f"- {label(what)}, {timing.column}: {timing.reason}"] = None
    return list(found)


def _line(eager: Timing, compiled: Timing) -> dict[str, Any]:
    before, after = eager.estimate, compiled.estimate
    assert before is not None
    assert after is not None
    calls = break_even(compiled.before_calls_s, before.value, after.value)
    return {
        "column": compiled.column,
        "mode": compiled.mode,
        "eager_ms": before.value,
        "eager_low": before.low,
        "eager_high": before.high,
        "compiled_ms": after.value,
        "compiled_low": after.low,
        "compiled_high": after.high,
        "speed_up": eager.over(compiled),
        "compiler_s": compiled.compiler_s,
        "compile_s": compiled.compile_s,
        "break_even_calls": calls,
        "real": different(before, after),
        "stable": before.stable and after.stable,
        "stale": eager.stale or compiled.stale,
    }


def _text(
    what: dict[str, Any], eager: Timing, compiled: Timing, line: dict[str, Any]
) -> dict[str, str]:
    assert eager.estimate is not None
    assert compiled.estimate is not None
    older = " †" if math.isnan(line["compiler_s"]) else ""
    where = [str(what[name]) for name in ("layer", "precision") if what[name]]
    return {
        "what": ", ".join([label(what), *where, f"batch {what['batch']}"]),
        "column": line["column"],
        "eager ms": interval(eager.estimate) + eager.marks,
        "mode": line["mode"],
        "its ms": interval(compiled.estimate) + compiled.marks,
        "speed-up": times(line["speed_up"], line["real"]),
        "start s": number(line["compiler_s"]),
        "compile s": number(line["compile_s"]) + older,
        "break-even calls": _calls(line["break_even_calls"]) + older if line["real"] else ABSENT,
    }


def _calls(calls: float) -> str:
    """A whole number, thousands apart; no more digits than are known."""
    if math.isinf(calls):
        return "never"
    return ABSENT if math.isnan(calls) else f"{float(f'{math.ceil(calls):.3g}'):,.0f}"
