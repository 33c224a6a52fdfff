"""How far runs that asked for the same agree: what their readers may rely on.

Two runs ask for the same where machine, versions and everything asked are equal, but for the
number of rounds; of their cells those count whose code is equal too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from bench.report.files import Section, Table
from bench.report.frame import Run
from bench.report.repeated import Found, Repeated, numbers
from bench.report.statistics import middle
from bench.report.text import listed, number, share
from bench.report.two_runs import differences, things
from bench.report.wording import named, times

TITLE = "How far runs of the same grid agree"
STAGE = "time"
ALIKE = 1.10
"""Numbers of several runs agree where the largest is at most this many times the smallest."""
NOTE = (
    "What was timed in each of several runs that asked for the same, on the same machine with the "
    "same versions and code. Columns in their best modes; a ratio is the geometric mean over "
    "rounds of the ratio within a round, by the faster half of the calls of each. Alike: the "
    "largest is at most 1.10 times the smallest. Called different: disjoint intervals and a factor "
    "over 1.05. An order is the same where no two columns change places. What runs of many rounds "
    "would have told after their first few is shown too."
)
FEWER = (3, 5)
"""Of runs of more rounds than these, the first so many alone are looked at too."""
SHOWN = 20
"""Ratios that are not alike, of those shown to people."""
LISTED = "Listed are the ratios that are not alike, as they came out in each run."
TOLD = ("layer", "batch", "precision")
ORDER_OF_TOLD = "order of the columns, tied where no run tells them apart"


def make(runs: Sequence[Run]) -> list[Table]:
    """`repeats`, where two runs or more asked for the same."""
    lines: list[dict[str, Any]] = []
    sections = []
    for group in _same(runs):
        names = [str(head["run_id"]) for head, _ in group]
        rounds = [_rounds(run) for run in group]
        least = min(rounds)
        shared = _shared([things(_first(run, least)) for run in group])
        found = numbers(shared)
        lines += [_line(one, names) for one in found]
        many = f"{', '.join(dict.fromkeys(map(str, rounds)))} rounds"
        many += f", of which the first {least} count" if len(set(rounds)) > 1 else ""
        title = f"{len(group)} runs of {many}: {', '.join(names)}"
        sections.append(Section(title, pd.DataFrame(_texts(found)), _wide(found)))
        for first in (few for few in reversed(FEWER) if few < least):
            shared = _shared([things(_first(run, first)) for run in group])
            title = f"Of the same runs the first {first} rounds alone"
            sections.append(Section(title, pd.DataFrame(_texts(numbers(shared)))))
    return [Table("repeats", TITLE, pd.DataFrame(lines), sections, NOTE)] if lines else []


def _rounds(run: Run) -> int:
    return 1 + max(int(row["round"]) for row in run[1])


def _first(run: Run, rounds: int) -> Run:
    """A run as if it had ended after so many rounds."""
    head, rows = run
    return head, [row for row in rows if row["round"] < rounds]


def _same(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """Groups of two runs or more that asked for the same, each in order of time."""
    groups: list[list[Run]] = []
    for run in runs:
        if not str(run[0]["run_id"]).startswith(f"{STAGE}-"):
            continue
        for group in groups:
            head = group[0][0]
            if _asked(head) == _asked(run[0]) and not differences(head, run[0]):
                group.append(run)
                break
        else:
            groups.append([run])
    return (group for group in groups if len(group) > 1)


def _asked(head: Any) -> dict[str, Any]:
    return {name: value for name, value in head["asked"].items() if name != "rounds"}


def _shared(found: Sequence[Found]) -> list[Found]:
    """The cells with a time and the same code in every run."""
    first, *others = found
    keys = [
        key
        for key, thing in first.items()
        if all(key in other and other[key].code == thing.code for other in others)
        and all(each[key].timing.estimate for each in found)
    ]
    return [{key: each[key] for key in keys} for each in found]


def _line(one: Repeated, names: Sequence[str]) -> dict[str, Any]:
    line = {"kind": one.kind, "runs": ", ".join(names), **one.what}
    line |= {"one": one.one, "other": one.other}
    line |= {f"value_{n}": value for n, value in enumerate(one.values, 1)}
    called = {"called_different": sum(map(abs, one.called)) if one.called else math.nan}
    return line | called | {"spread": one.spread}


def _texts(found: Sequence[Repeated]) -> list[dict[str, str]]:
    factors = [one for one in found if one.kind == "factor"]
    real = [one for one in factors if all(one.called)]
    return [
        _spread("milliseconds of a call", [one for one in found if one.kind == "milliseconds"]),
        _spread("heatmap over forward pass", [one for one in found if one.kind == "price"]),
        _spread("column over column", factors),
        _spread("of these, called different in every run", real),
        *_orders(factors),
        *_calls(factors),
    ]


def _wide(found: Sequence[Repeated]) -> tuple[str, ...]:
    """The ratios that are not alike, the widest first."""
    wide = [one for one in found if one.kind != "milliseconds" and one.spread > ALIKE]
    lines = [
        f"{one.what['architecture']}, {named(one.what, TOLD)}, {one.one} over {one.other}: "
        + ", ".join(map(times, one.values))
        for one in sorted(wide, key=lambda one: -one.spread)
    ]
    return (*listed(lines, SHOWN), LISTED) if lines else ()


def _spread(name: str, found: Sequence[Repeated]) -> dict[str, str]:
    spreads = sorted(one.spread for one in found)
    alike = sum(spread <= ALIKE for spread in spreads)
    return _counted(name, alike, len(spreads)) | {
        "median of largest over smallest": number(middle(spreads)),
        "largest": number(spreads[-1] if spreads else math.nan),
    }


def _orders(factors: Sequence[Repeated]) -> Iterator[dict[str, str]]:
    """Of how many things timed the columns come in the same order in every run.

    First of all columns, then with those tied that no run tells apart.
    """
    timed = {tuple(one.what.items()) for one in factors}
    moved = [one for one in factors if one.changed_places]
    told = [one for one in moved if any(one.called)]
    for name, changed in (("order of the columns", moved), (ORDER_OF_TOLD, told)):
        others = {tuple(one.what.items()) for one in changed}
        yield _counted(name, len(timed - others), len(timed))


def _counted(what: str, alike: int, compared: int) -> dict[str, str]:
    none = number(math.nan)
    return {
        "what": what,
        "compared": str(compared),
        "alike": f"{alike} ({share(alike / compared)})" if compared else none,
        "median of largest over smallest": none,
        "largest": none,
    }


def _calls(factors: Sequence[Repeated]) -> Iterator[dict[str, str]]:
    """Of the pairs of columns that any run calls different, those that all call so, one way.

    And those that no other run calls different the opposite way.
    """
    called = [one.called for one in factors if any(one.called)]
    alike = sum(len(set(calls)) == 1 for calls in called)
    opposite = sum({1, -1} <= set(calls) for calls in called)
    yield _counted("called different in any run: so in every run", alike, len(called))
    yield _counted(
        "called different in any run: in none the other way round",
        len(called) - opposite,
        len(called),
    )
