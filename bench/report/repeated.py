"""What the same cells came to in each of several runs, number beside number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from bench.report.statistics import Estimate, different
from bench.report.two_runs import Key, Thing, ratio

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

    @property
    def changed_places(self) -> bool:
        """Whether a factor is above 1 in one run and below it in another."""
        return min(self.values) < 1 < max(self.values)


def numbers(shared: Sequence[Found]) -> list[Repeated]:
    """Milliseconds, heatmaps over forward passes and columns over each other.

    `shared` has the same cells of every run, each with a time.
    """
    return [*_milliseconds(shared), *_prices(shared), *_factors(shared)]


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
