"""Findings of the orders in which metrics put explainers: where two of them disagree."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from bench import metrics
from bench.report.finding import Finding, where
from bench.report.forms import number
from bench.report.told_apart import Told


def disagreements(told: Told) -> Iterator[Finding]:
    """F6: two telling metrics that tell two explainers apart, each the other way."""
    for one, other in itertools.combinations(told.telling, 2):
        pairs = [
            (min(_gap(told, one, a, b), _gap(told, other, b, a)), a, b)
            for a, b in itertools.permutations(told.distinct, 2)
            if told.apart(one, a, b) and told.apart(other, a, b)
        ]
        opposed = sorted(pair for pair in pairs if pair[0] > 0)
        if opposed:
            _, a, b = opposed[-1]
            rest = len(opposed) - 1
            more = f" (and on {rest} more pair{'s' * (rest > 1)})" if rest else ""
            text = (
                f"metrics disagree on {a} and {b}{more}: {one} puts {a} above, "
                f"{other} puts {b} above ({told.images((one, other), (a, b))} images)"
            )
            yield Finding("F6", f"{where(told)}: {text}.", (a, b), (one, other))


def _gap(told: Told, metric: str, a: str, b: str) -> int:
    """How many places a stands above b."""
    order = told.order(metric)
    return order.index(b) - order.index(a)


def orders(told: Told) -> Iterator[Finding]:
    """Kendall's tau of the explainers' orders by every two telling metrics of faithfulness."""
    distinct = told.distinct
    of = [metric for metric in told.telling if "mask" not in metrics.load(metric).card.needs]
    for one, other in itertools.combinations(of, 2):
        both = [name for name in told.order(one) if name in told.order(other) and name in distinct]
        if len(both) > 2:
            found = _kendall(*([told.order(m).index(name) for name in both] for m in (one, other)))
            text = (
                f"{one} and {other} order {len(both)} explainers with a Kendall's tau of "
                f"{number(found)} ({told.images((one, other), both)} images)"
            )
            yield Finding("tau", f"{where(told)}: {text}.", (), (one, other))


def _kendall(x: list[int], y: list[int]) -> float:
    """Kendall's tau of two orders without ties."""
    pairs = list(itertools.combinations(range(len(x)), 2))
    return float(np.mean([np.sign((x[i] - x[j]) * (y[i] - y[j])) for i, j in pairs]))
