"""What compiling costs and when it has paid: eager against each compiled mode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report import clock
from bench.report.clock import Timing
from bench.report.files import Section, Table
from bench.report.frame import groups, label, place
from bench.report.measured import standing
from bench.report.statistics import different
from bench.report.text import interval, number
from bench.report.wording import PAIRED

TITLE = "The price of compiling"
STAGES = ("time",)
EAGER = "eager"
Pair = tuple[dict[str, Any], Timing, Timing]
"""What was timed, eager, and compiled."""
NOTE = (
    "Milliseconds per call (a batch, or a training step): median over processes with its "
    "interval. Break-even: calls after which compiling has paid, compile time / (eager - "
    "compiled). Real: the intervals are disjoint and the factor exceeds 1.05. " + PAIRED
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`price_of_jit`, where a column has a time both eager and compiled."""
    lines: list[dict[str, Any]] = []
    sections = []
    for key, pairs in priced(frame):
        texts = []
        for what, before, timing in pairs:
            line = _line(before, timing)
            lines.append({**key, **what, **line})
            texts.append(_text(what, before, timing, line))
        if texts:
            title = place(key, frame["machine_id"].nunique())
            used = " ".join(value for text in texts for value in text.values())
            signs = (("†", clock.STALE), ("~", clock.UNSTABLE))
            notes = tuple(note for sign, note in signs if sign in used)
            sections.append(Section(title, pd.DataFrame(texts), notes))
    if not lines:
        return []
    return [Table("price_of_jit", TITLE, pd.DataFrame(lines), sections, NOTE)]


def priced(frame: pd.DataFrame) -> Iterator[tuple[dict[str, Any], list[Pair]]]:
    """Each place and run with what was timed there both eager and compiled; often nothing."""
    timed = standing(frame[frame["stage"] == "time"])
    for key, rows in groups(timed, (*clock.PLACE, "run_id")):  # a ratio is of one run
        pairs = []
        for what, timings in clock.things(clock.timings(rows)):
            eager = {t.column: t for t in timings if t.mode == EAGER and t.estimate}
            for timing in timings:
                if timing.mode != EAGER and timing.estimate and timing.column in eager:
                    pairs.append((what, eager[timing.column], timing))
        yield key, pairs


def break_even(compile_s: float, eager_ms: float, compiled_ms: float) -> float:
    """Calls after which compiling has paid; infinite where compiled is not faster."""
    if compiled_ms >= eager_ms:
        return math.inf
    return max(1e3 * compile_s / (eager_ms - compiled_ms), 0.0)


def _line(eager: Timing, compiled: Timing) -> dict[str, Any]:
    before, after = eager.estimate, compiled.estimate
    assert before is not None
    assert after is not None
    speed_up = eager.over(compiled)
    calls = break_even(compiled.compile_s, before.median, before.median / speed_up)
    return {
        "column": compiled.column,
        "mode": compiled.mode,
        "eager_ms": before.median,
        "eager_low": before.low,
        "eager_high": before.high,
        "compiled_ms": after.median,
        "compiled_low": after.low,
        "compiled_high": after.high,
        "speed_up": speed_up,
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
    calls = line["break_even_calls"]
    where = [str(what[name]) for name in ("layer", "precision") if what[name]]
    return {
        "what": ", ".join([label(what), *where, f"batch {what['batch']}"]),
        "column": line["column"],
        "eager ms": interval(eager.estimate) + eager.marks,
        "mode": line["mode"],
        "ms": interval(compiled.estimate) + compiled.marks,
        "speed-up": f"×{line['speed_up']:.2f}",
        "compile s": number(line["compile_s"]),
        "break-even calls": "never" if math.isinf(calls) else number(_whole(calls)),
        "real": "yes" if line["real"] else "no",
    }


def _whole(calls: float) -> float:
    return float(math.ceil(calls)) if math.isfinite(calls) else calls
