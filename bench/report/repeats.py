"""How far runs that asked for the same agree: what their readers may rely on.

Two runs ask for the same where machine, versions and everything asked are equal, but for the
number of rounds; of their cells those count whose code is equal too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import pandas as pd

from bench.report.files import Section, Table
from bench.report.frame import Run
from bench.report.statistics import Estimate, different, middle
from bench.report.text import number, share
from bench.report.two_runs import Key, Thing, differences, ratio, things

TITLE = "How far runs of the same grid agree"
STAGE = "time"
ALIKE = 1.10
"""Numbers of several runs agree where the largest is at most this many times the smallest."""
NOTE = (
    "What was timed in each of several runs that asked for the same, on the same machine with the "
    "same versions and code. Columns in their best modes; a ratio is the geometric mean over "
    "rounds of the ratio within a round, each at most 10 % from their median. Alike: the largest "
    "is at most 1.10 times the smallest. Called different: disjoint intervals and a factor over "
    "1.05. An order is the same where no two columns changed places."
)
Found = dict[Key, Thing]


class Repeated(NamedTuple):
    """One number in every run, in order of time; where it is a factor, what its cells were called.

    `called` is 1 where the first was called slower, -1 where it was called faster, else 0.
    """

    kind: str
    what: dict[str, Any]
    one: str
    other: str
    values: tuple[float, ...]
    called: tuple[int, ...] = ()

    @property
    def spread(self) -> float:
        """The largest over the smallest."""
        return max(self.values) / min(self.values)


def make(runs: Sequence[Run]) -> list[Table]:
    """`repeats`, where two runs or more asked for the same."""
    lines: list[dict[str, Any]] = []
    sections = []
    for group in _same(runs):
        found = [things(run) for run in group]
        shared = _shared(found)
        names = [str(head["run_id"]) for head, _ in group]
        numbers = [*_milliseconds(shared), *_prices(shared), *_factors(shared)]
        lines += [_line(one, names) for one in numbers]
        rounds = ", ".join(str(1 + max(row["round"] for row in rows)) for _, rows in group)
        title = f"{len(group)} runs of {rounds} rounds: {', '.join(names)}"
        sections.append(Section(title, pd.DataFrame(_texts(shared, numbers))))
    return [Table("repeats", TITLE, pd.DataFrame(lines), sections, NOTE)] if lines else []


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


def _milliseconds(shared: Sequence[Found]) -> Iterator[Repeated]:
    for key, thing in shared[0].items():
        values = tuple(_ms(found[key]).median for found in shared)
        yield Repeated("milliseconds", thing.key, _cell(thing), "", values)


def _prices(shared: Sequence[Found]) -> Iterator[Repeated]:
    """Heatmaps over the best forward pass of their column."""
    for key, thing in shared[0].items():
        if thing.key["task"] == "heatmap":
            ratios = [ratio(found[key], found) for found in shared]
            values = tuple(each.median for each in ratios if each)
            if len(values) == len(shared):
                yield Repeated("price", thing.key, _cell(thing), "forward pass", values)


def _factors(shared: Sequence[Found]) -> Iterator[Repeated]:
    """Columns over each other, each in its best mode in that run."""
    for what, best in _best(shared):
        for one, other in combinations(best[0], 2):
            values = tuple(run[one].timing.over(run[other].timing) for run in best)
            called = tuple(_called(_ms(run[one]), _ms(run[other])) for run in best)
            yield Repeated("factor", what, one, other, values, called)


def _called(one: Estimate, other: Estimate) -> int:
    slower = 1 if one.median > other.median else -1
    return slower if different(one, other) else 0


def _best(shared: Sequence[Found]) -> Iterator[tuple[dict[str, Any], list[dict[str, Thing]]]]:
    """What was timed in several columns, with each column in its best mode in each run."""
    by_what: dict[Key, list[Key]] = {}
    for key, thing in shared[0].items():
        rest = {name: v for name, v in thing.key.items() if name not in ("column", "mode")}
        by_what.setdefault(tuple(rest.items()), []).append(key)
    for rest_items, keys in by_what.items():
        runs: list[dict[str, Thing]] = []
        for found in shared:
            best: dict[str, Thing] = {}
            for key in sorted(keys, key=lambda key: _ms(found[key]).median):
                best.setdefault(found[key].key["column"], found[key])
            runs.append({column: best[column] for column in sorted(best)})
        if len(runs[0]) > 1:
            yield dict(rest_items), runs


def _ms(thing: Thing) -> Estimate:
    assert thing.timing.estimate is not None
    return thing.timing.estimate


def _cell(thing: Thing) -> str:
    return f"{thing.key['column']} {thing.key['mode']}"


def _line(one: Repeated, names: Sequence[str]) -> dict[str, Any]:
    line = {"kind": one.kind, "runs": ", ".join(names), **one.what}
    line |= {"one": one.one, "other": one.other}
    line |= {f"value_{n}": value for n, value in enumerate(one.values, 1)}
    called = {"called_different": sum(map(abs, one.called)) if one.called else math.nan}
    return line | called | {"spread": one.spread}


def _texts(shared: Sequence[Found], numbers: Sequence[Repeated]) -> list[dict[str, str]]:
    factors = [one for one in numbers if one.kind == "factor"]
    real = [one for one in factors if all(one.called)]
    return [
        _spread("milliseconds of a call", [one for one in numbers if one.kind == "milliseconds"]),
        _spread("heatmap over forward pass", [one for one in numbers if one.kind == "price"]),
        _spread("column over column", factors),
        _spread("of these, called different in every run", real),
        _orders(shared),
        _calls(factors),
    ]


def _spread(name: str, numbers: Sequence[Repeated]) -> dict[str, str]:
    spreads = sorted(one.spread for one in numbers)
    alike = sum(spread <= ALIKE for spread in spreads)
    return _counted(name, alike, len(spreads)) | {
        "median of largest over smallest": number(middle(spreads)),
        "largest": number(spreads[-1] if spreads else math.nan),
    }


def _orders(shared: Sequence[Found]) -> dict[str, str]:
    """In how many of the things timed the columns come in the same order in every run."""
    orders = [set(map(_order, best)) for _, best in _best(shared)]
    same = sum(len(order) == 1 for order in orders)
    return _counted("order of the columns", same, len(orders))


def _counted(what: str, alike: int, compared: int) -> dict[str, str]:
    none = number(math.nan)
    return {
        "what": what,
        "compared": str(compared),
        "alike": f"{alike} ({share(alike / compared)})" if compared else none,
        "median of largest over smallest": none,
        "largest": none,
    }


def _order(run: dict[str, Thing]) -> tuple[str, ...]:
    return tuple(sorted(run, key=lambda column: _ms(run[column]).median))


def _calls(factors: Sequence[Repeated]) -> dict[str, str]:
    """Of the pairs of columns that any run calls different, those that all call so, one way."""
    called = [one.called for one in factors if any(one.called)]
    alike = sum(len(set(calls)) == 1 for calls in called)
    opposite = sum({1, -1} <= set(calls) for calls in called)
    what = f"columns called different in any run; {opposite} the opposite way in another"
    return _counted(what, alike, len(called))
