"""What changed since an earlier run, thing by thing, and whether each change is real."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bench.report.files import footer
from bench.report.forms import TOGGLES, WHAT, missing, said, spread, text, timed
from bench.report.frame import Run
from bench.report.render import terminal
from bench.report.statistics import factor
from bench.report.table import ABSENT, Absent, Shown, Table, View
from bench.report.two_runs import PLACE, Change, Thing, changes, differences, only, things

NOTE = (
    "What is typical of the processes, with its interval; of a ratio the interval is that of the "
    "ratios round by round. Now / earlier: the quotient of the two. Real: the intervals are "
    "disjoint and the factor exceeds 1.05 (of three processes each, one pair in ten is disjoint by "
    "chance, of five one in 126); a single process has no interval and cannot tell. Code: whether "
    "that of the framework, method or library differs between the runs. A real change of the same "
    "code has another cause: code that all share, or the machine."
)
UNITS = {"ms": "milliseconds of a call", "ratio": "calls over forward passes"}
CELL = (WHAT, *TOGGLES, Shown("column", text, ("column",)), Shown("mode", text, ("mode",)))


def _way(ratio: float) -> str:
    times = f"×{factor(ratio, 1):.2f}"
    return times + ("" if times == "×1.00" else " slower" if ratio > 1 else " faster")


def _beyond(ratio: float, drift: float) -> str:
    return ABSENT if drift == 1 else _way(ratio)


def _real(real: Any) -> str:
    return "one process" if missing(real) else said(real)


def _code(same: bool) -> str:
    return "same" if same else "changed"


def _marked(value: float, low: float, high: float, stable: bool) -> str:
    return timed(value, low, high, stable, False)


def _answer(status: str, reason: str, value: float, low: float, high: float) -> str | Absent:
    return Absent(status, text(reason)) if missing(value) else f"{spread(value, low, high)} ms"


def _of(name: str) -> tuple[str, ...]:
    return (name, f"{name}_low", f"{name}_high", f"{name}_stable")


def compare(earlier: Run, now: Run) -> str:
    """The table of `make` for the terminal, with the provenance of both runs."""
    foot: list[str] = []
    for head, _ in (earlier, now):
        foot += footer([head], {str(head["run_id"])})[1:]  # its first line is about files
    return terminal(make(earlier, now)) + "\n" + "\n".join(foot) + "\n"


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
    elsewhere = "data set, architecture, device, column or mode that the"
    left_out = {
        "without a forward pass beside it in both runs": timed - len(found),
        f"of a {elsewhere} earlier run has nothing of": beyond,
        f"of the earlier run, of a {elsewhere} present one has nothing of": unasked,
    }
    told = [_first_line(differ) + _drift(found), _summary(found), NOTE]
    told += [f"Left out: {n} {why}." for why, n in left_out.items() if n]
    found.sort(key=lambda c: (_where(c.key), -factor(c.factor, 1) if c.real else 0))
    lines = [{**_line(change, unit), "kind": "compared"} for change in found]
    lines += [{**_status(now.key, then, now), "kind": "turned"} for then, now in turned]
    lines += [{**_status(thing.key, None, thing), "kind": "new"} for thing in new]
    lines += [{**_status(thing.key, thing, None), "kind": "gone"} for thing in gone]
    title = f"Changes from {earlier[0]['run_id']} to {now[0]['run_id']}"
    return Table("changes", title, pd.DataFrame(lines), _views(unit), "\n\n".join(told))


def _where(key: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(key[name]) for name in PLACE)


def _views(unit: str) -> list[View]:
    compared = (
        *CELL,
        Shown(f"earlier {unit}", _marked, _of("earlier")),
        Shown(f"now {unit}", _marked, _of("now")),
        Shown("now / earlier", _way, ("ratio",)),
        Shown("beyond the drift", _beyond, ("factor", "drift"), ""),
        Shown("real", _real, ("real",)),
        Shown("code", _code, ("same_code",)),
    )
    turned = tuple(
        Shown(n, _answer, (f"status_{n}", f"reason_{n}", *_of(n)[:3])) for n in ("earlier", "now")
    )
    views = [View(PLACE, compared, title=UNITS[unit], where=_kind("compared"))]
    views += [View(PLACE, (*CELL, *turned), title="another status", where=_kind("turned"))]
    titles = {"new": "in this run only", "gone": "in the earlier run only"}
    for kind, title in titles.items():
        status = Shown("status", text, (f"status_{'now' if kind == 'new' else 'earlier'}",))
        views.append(View(PLACE, (*CELL, status), title=title, where=_kind(kind)))
    return views


def _kind(kind: str) -> Any:
    return lambda data: data["kind"] == kind


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
    unsure = sum(not (change.earlier.stable and change.now.stable) for change in real)
    if unsure:
        text += f"; beside {unsure} other work was seen, or an interval is wide (~)"
    return text + (f". {unable} of a single process cannot be told." if unable else ".")


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
    line = dict(key)
    for name, thing in (("earlier", then), ("now", now)):
        line[f"status_{name}"] = thing.timing.status if thing else ""
        line[f"reason_{name}"] = thing.timing.reason if thing else ""
        if thing and thing.timing.estimate:
            line |= dict(zip(_of(name), thing.timing.estimate[:3], strict=False))
    return line
