"""The choosing table: frameworks across, what is done down, each in its best mode.

Milliseconds hold on the machine of the run only; the factors are what carries over.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.report import clock
from bench.report.clock import Timing
from bench.report.files import Section, Table
from bench.report.frame import groups, label, place
from bench.report.statistics import different, geometric_mean
from bench.report.text import ABSENT, number

TITLE = "Choosing a framework"
STAGES = ("time",)
NOTE = (
    "Milliseconds per image, in the best mode of each column: median over processes, its 95 % "
    "interval, the factor to the best column, and the mode. ≈: not distinguishable from the best "
    "(intervals overlap, or the factor is below 1.05, or a single process has no interval)."
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`choose`: a section for each data set, architecture, device and machine."""
    lines: list[dict[str, Any]] = []
    sections = []
    for key, rows in groups(frame[frame["stage"] == "time"], clock.PLACE):
        found = clock.things(clock.timings(rows))
        mine = [line for what, timings in found for line in _lines(what, timings)]
        _add_forward_ratio(mine)
        lines += [{**key, **line} for line in mine]
        title = place(key, frame["machine_id"].nunique())
        sections.append(_section(title, found, mine))
    if not lines:
        return []
    return [Table("choose", TITLE, pd.DataFrame(lines), sections, NOTE)]


def _lines(what: dict[str, Any], timings: list[Timing]) -> list[dict[str, Any]]:
    """One line a column: its best mode, or why it has none."""
    columns = sorted({timing.column for timing in timings})
    best = {column: _best([t for t in timings if t.column == column]) for column in columns}
    timed = [timing for timing in best.values() if timing.estimate]
    first = min(timed, key=lambda timing: timing.per_image.median, default=None)
    lines = []
    for column, timing in best.items():
        line = {**what, "column": column, "mode": timing.mode}
        if first is not None and timing.estimate is not None:
            mine, least = timing.per_image, first.per_image
            line |= {
                "ms_per_image": mine.median,
                "ms_low": mine.low,
                "ms_high": mine.high,
                "processes": mine.processes,
                "factor": mine.median / least.median,
                "differs_from_best": different(mine, least),
                "stable": mine.stable,
            }
        lines.append(
            line | {"stale": timing.stale, "status": timing.status, "reason": timing.reason}
        )
    return lines


def _best(timings: list[Timing]) -> Timing:
    """The fastest mode, or where none has a time the one whose reason tells most."""
    timed = [timing for timing in timings if timing.estimate]
    if timed:
        return min(timed, key=lambda timing: timing.per_image.median)
    return max(timings, key=lambda timing: timing.status == "wrong")


def _add_forward_ratio(lines: list[dict[str, Any]]) -> None:
    """Each time over the best forward pass of the same column: a slow one must not flatter."""
    forward: dict[str, float] = {}
    for line in lines:
        if line["task"] == "forward" and "ms_per_image" in line:
            known = forward.get(line["column"], line["ms_per_image"])
            forward[line["column"]] = min(known, line["ms_per_image"])
    for line in lines:
        if "ms_per_image" in line and line["column"] in forward:
            line["forward_ratio"] = line["ms_per_image"] / forward[line["column"]]


def _section(
    title: str, found: list[tuple[dict[str, Any], list[Timing]]], lines: list[dict[str, Any]]
) -> Section:
    columns = sorted({line["column"] for line in lines})
    toggles = clock.varying([what for what, _ in found])
    whats = [what for what, _ in found]
    alike = {name: whats[0][name] for name in ("batch",) if name not in toggles}
    reasons: dict[str, int] = {}
    texts, factors = [], []
    for what in whats:
        mine = {line["column"]: line for line in lines if line.items() >= what.items()}
        text = {"per image": _name(what, toggles)}
        text |= {column: _cell(mine.get(column), reasons) for column in columns}
        texts.append(text)
        factors.append({c: mine[c]["factor"] for c in mine if "factor" in mine[c]})
    texts.append(_means(factors, columns))
    notes = [f"- ({index}) {reason}" for reason, index in reasons.items()]
    used = " ".join(value for text in texts for value in text.values())
    notes += [note for sign, note in (("†", clock.STALE), ("~", clock.UNSTABLE)) if sign in used]
    if alike.get("batch") and len({what["batch"] for what in whats}) == 1:
        title = f"{title}, batch {alike['batch']}"
    return Section(title, pd.DataFrame(texts), tuple(notes))


def _name(what: dict[str, Any], toggles: list[str]) -> str:
    extra = [f"batch {what['batch']}" if name == "batch" else str(what[name]) for name in toggles]
    return ", ".join([label(what), *(text for text in extra if text not in ("", "0"))])


def _cell(line: dict[str, Any] | None, reasons: dict[str, int]) -> str:
    if line is None:
        return ABSENT
    if "ms_per_image" not in line:
        reason = f"{line['status']}: {line['reason']}"
        return f"*{line['status']}* ({reasons.setdefault(reason, len(reasons) + 1)})"
    middle, low, high = (number(line[name]) for name in ("ms_per_image", "ms_low", "ms_high"))
    time = middle if line["processes"] < 2 else f"{middle} ({low}–{high})"
    close = "" if line["factor"] == 1 or line["differs_from_best"] else " ≈"
    marks = (" †" if line["stale"] else "") + ("" if line["stable"] else " ~")
    shown = f"**{time}**" if line["factor"] == 1 else time
    return f"{shown} ×{line['factor']:.2f}{close} {line['mode']}{marks}"


def _means(factors: list[dict[str, float]], columns: list[str]) -> dict[str, str]:
    """The geometric mean of factors, over the lines that every timed column has."""
    timed = [column for column in columns if any(column in line for line in factors)]
    shared = [line for line in factors if all(column in line for column in timed)]
    name = f"*geometric mean of factors ({len(shared)} lines that all have)*"
    means = {c: geometric_mean(line[c] for line in shared) for c in timed}
    return {"per image": name} | {
        c: f"×{means[c]:.2f}" if c in timed and shared else ABSENT for c in columns
    }
