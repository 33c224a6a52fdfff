"""What changed since an earlier run, thing by thing, and whether each change is real."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from bench.report.clock import UNSTABLE
from bench.report.files import Section, Table, footer, render
from bench.report.frame import Run, place
from bench.report.statistics import Estimate, factor
from bench.report.text import interval
from bench.report.two_runs import Change, Thing, changes, differences, only, things, toggles
from bench.report.wording import named

NOTE = (
    "What is typical of the processes, with its interval; of a ratio the interval is that of the "
    "ratios round by round. Now / earlier: the quotient of the two. Real: the intervals are "
    "disjoint and the factor exceeds 1.05 (of three processes each, one pair in ten is disjoint by "
    "chance, of five one in 126); a single process has no interval and cannot tell. Code: whether "
    "that of the framework, method or library differs between the runs. A real change of the same "
    "code has another cause: code that all share, or the machine."
)
UNITS = {"ms": "Milliseconds of a call.", "ratio": "Calls over forward passes."}
REAL = {True: "yes", False: "no", None: "one process"}


def compare(earlier: Run, now: Run) -> str:
    """The table of `make` as Markdown, for the terminal, with the provenance of both runs."""
    foot: list[str] = []
    for head, _ in (earlier, now):
        foot += footer([head], {str(head["run_id"])})[1:]  # its first line is about files
    return render(make(earlier, now), foot)


def make(earlier: Run, now: Run) -> Table:
    """`changes`: what both have timed, real changes first; other statuses, new and gone apart.

    In `data` the numbers are milliseconds of a call or ratios, as `unit` says, `ratio` is now over
    earlier, and `factor` that beyond the drift.
    """
    before, after = things(earlier), things(now)
    differ = differences(earlier[0], now[0])
    unit = "ratio" if differ else "ms"
    found = changes(before, after, ratios=bool(differ))
    both = [(before[key], after[key]) for key in after if key in before]
    turned = [pair for pair in both if pair[0].timing.status != pair[1].timing.status]
    timed = sum(all(thing.timing.estimate for thing in pair) for pair in both)
    new, beyond = only(after, before)
    gone, unasked = only(before, after)
    shown = toggles((*before.values(), *after.values()))
    sections = [
        *_compared(found, unit, shown),
        *_turned(turned, shown),
        *_listed("In this run only", new, shown),
        *_listed("In the earlier run only", gone, shown),
    ]
    elsewhere = "data set, architecture, device, column or mode that the"
    left_out = {
        "without a forward pass beside it in both runs": timed - len(found),
        f"of a {elsewhere} earlier run has nothing of": beyond,
        f"of the earlier run, of a {elsewhere} present one has nothing of": unasked,
    }
    told = [_first_line(differ) + _drift(found), _summary(found), NOTE]
    told += [f"Left out: {n} {why}." for why, n in left_out.items() if n]
    lines = [_line(change, unit) for change in found]
    lines += [_status(now.key, then, now) for then, now in turned]
    lines += [_status(thing.key, None, thing) for thing in new]
    lines += [_status(thing.key, thing, None) for thing in gone]
    title = f"Changes from {earlier[0]['run_id']} to {now[0]['run_id']}"
    return Table("changes", title, pd.DataFrame(lines), sections, "\n\n".join(told))


def _first_line(differ: Sequence[str]) -> str:
    if not differ:
        return "The machine and the versions are the same: milliseconds are comparable."
    return (
        f"The machine or the versions differ ({', '.join(differ)}): milliseconds are not "
        "comparable. What is set beside each other is each call over the best forward pass of its "
        "column, at the same batch and precision in the same run; a faster forward pass raises all "
        "ratios of its column."
    )


def _drift(found: Sequence[Change]) -> str:
    """What everything did together, where enough code is unchanged to tell."""
    moved = found[0].drift if found else 1.0
    if moved == 1.0:
        return ""
    same = sum(change.same_code for change in found)
    way = "slower" if moved > 1 else "faster"
    return (
        f" All that is of unchanged code was together ×{factor(moved, 1):.3f} {way} (the median "
        f"of {same}), by the machine or by code that all share: factors and verdicts are beyond "
        "that."
    )


def _summary(found: Sequence[Change]) -> str:
    real = [change for change in found if change.real]
    unable = sum(change.real is None for change in found)
    slower = sum(change.factor > 1 for change in real)
    same = sum(change.same_code for change in real)
    text = f"{len(found)} compared, {len(real)} with a real change"
    if real:
        text += f": {slower} slower, {len(real) - slower} faster; {same} with their code unchanged"
    return text + (f". {unable} of a single process cannot be told." if unable else ".")


def _compared(found: Sequence[Change], unit: str, shown: Sequence[str]) -> list[Section]:
    """A section for each place; real changes first, the largest on top."""
    sections = []
    for at in dict.fromkeys(place(change.key, 1) for change in found):
        mine = [change for change in found if place(change.key, 1) == at]
        mine.sort(key=lambda c: -factor(c.factor, 1) if c.real else 0)
        texts = pd.DataFrame([_text(change, unit, shown) for change in mine])
        unstable = any(not e.stable for change in mine for e in (change.earlier, change.now))
        sections.append(Section(f"{at}. {UNITS[unit]}", texts, (UNSTABLE,) if unstable else ()))
    return sections


def _text(change: Change, unit: str, shown: Sequence[str]) -> dict[str, str]:
    told = {"now / earlier": _way(change.ratio)}
    if change.drift != 1.0:
        told["beyond the drift"] = _way(change.factor)
    return {
        "what": named(change.key, shown),
        "column": change.key["column"],
        "mode": change.key["mode"],
        f"earlier {unit}": _marked(change.earlier),
        f"now {unit}": _marked(change.now),
        **told,
        "real": REAL[change.real],
        "code": "same" if change.same_code else "changed",
    }


def _way(ratio: float) -> str:
    times = f"×{factor(ratio, 1):.2f}"
    return times + ("" if times == "×1.00" else " slower" if ratio > 1 else " faster")


def _marked(estimate: Estimate) -> str:
    return interval(estimate) + ("" if estimate.stable else " ~")


def _turned(pairs: Sequence[tuple[Thing, Thing]], shown: Sequence[str]) -> list[Section]:
    texts = [
        {
            "what": named(now.key, shown),
            "where": place(now.key, 1),
            "column": now.key["column"],
            "mode": now.key["mode"],
            "earlier": _said(then),
            "now": _said(now),
        }
        for then, now in pairs
    ]
    return [Section("Another status", pd.DataFrame(texts))] if texts else []


def _said(thing: Thing) -> str:
    timing = thing.timing
    if timing.estimate:
        return f"{interval(timing.estimate)} ms"
    return f"*{timing.status}*: {timing.reason}"


def _listed(title: str, found: Iterable[Thing], shown: Sequence[str]) -> list[Section]:
    """A line for each thing and place, its columns and modes together."""
    lines: dict[tuple[str, str], list[str]] = {}
    for thing in found:
        status = thing.timing.status
        told = f"{thing.key['column']} {thing.key['mode']}"
        told += "" if status == "ok" else f" ({status})"
        lines.setdefault((named(thing.key, shown), place(thing.key, 1)), []).append(told)
    texts = [
        {"what": what, "where": where, "columns": ", ".join(told)}
        for (what, where), told in lines.items()
    ]
    return [Section(title, pd.DataFrame(texts))] if texts else []


def _line(change: Change, unit: str) -> dict[str, Any]:
    line: dict[str, Any] = {**change.key, "status_earlier": "ok", "status_now": "ok", "unit": unit}
    for name, estimate in (("earlier", change.earlier), ("now", change.now)):
        line |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        line |= {f"{name}_processes": estimate.processes, f"{name}_stable": estimate.stable}
    told = {
        "ratio": change.ratio,
        "factor": change.factor,
        "drift": change.drift,
        "real": change.real,
    }
    return {**line, **told, "same_code": change.same_code}


def _status(key: dict[str, Any], then: Thing | None, now: Thing | None) -> dict[str, Any]:
    statuses = {"status_earlier": then, "status_now": now}
    return key | {name: thing.timing.status if thing else "" for name, thing in statuses.items()}
