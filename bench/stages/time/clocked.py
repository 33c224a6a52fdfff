"""A cell under the clock: made ready once, then visited until it has been often enough.

Around the stopwatch stand the barrier inside the timed region, inputs and weights as arguments, the
check against the oracle before the clock, the count of compilations, CPU time and the load of the
machine.
"""

from __future__ import annotations

import math
import os
import secrets
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.engine import compile_caches
from bench.engine.worker import Row, Wrong
from bench.record.cell import Cell
from bench.stages.time import compilers, counted, first_compilation, memory, peak
from bench.stages.time.drawn import Draw
from bench.stages.time.observed import Observed
from bench.stages.time.sampling import enough, figures
from bench.stages.time.timed import forward, heatmap, unfinished
from bench.stages.time.timed_training import train_step
from bench.subject import explainer

TASKS = {"heatmap": heatmap, "forward": forward, "train_step": train_step}
VISITS = 5
"""Times that the clock comes to a cell in a process: of five, two slow ones move no median."""
MOST_VISITS = 12
"""Times that it comes at the most, to a cell whose visits scatter."""
VISIT_S = 0.015
"""Seconds of samples at a visit: they share its moment, so that more of them say little."""
MOST = 10
"""Samples at a visit, for the same reason."""
WARM_S = 0.01
"""Seconds of calls before the samples: another cell has had the caches, and threads sleep."""
LONG_S = 0.1
"""Calls longer than this warm themselves."""
READ_S = 0.001
"""Seconds that reading an answer may take; longer than its call, and the barrier was missing.

Of a call with less work than that it would not be seen, where the answer itself cannot tell.
"""
IMPOSSIBLE = 1.05
"""Share of the machine's measured peak above which a time is none, whatever was answered."""
EARLY = "the answer was not there when the call was over"
LATE_S = 2e-4
"""Seconds that an answer may come late for the bare noise of reading it."""
READS = 5
"""Calls in a row whose answers are late before that is believed: a machine may be busy."""


class Clocked:
    """A cell that is ready for the clock: its answer is right and it is warm.

    Raises Wrong where two inputs give one answer or a training step learns nothing, where the
    answer is not the oracle's, where it was not there yet when the call was over, or where nothing
    was compiled that should have been; so does a visit during which something compiles.
    """

    def __init__(self, cell: Cell, context: Mapping[str, Any]) -> None:
        self.cell, self.context = cell, context
        self.timed = TASKS[cell.task](cell, context)
        framework = self.timed.framework
        traits = cell.column.traits
        given = self.timed.inputs
        self.count = compilers.counting(framework, traits, cell.task)
        self.compiles = cell.mode != "eager"
        self.compiler_s = first_compilation.seconds(cell)
        inside = compilers.counting(framework, traits, "train_step")
        before, inside_before = self._counted(), inside() if inside else 0
        self.checked: Row = {}
        first, self.first_s = self._call(given[0])
        one = explainer.to_host(framework, first)
        agreeing = _agreeing(self.timed.check(first))
        del first
        with memory.Watched(traits) as self.held:
            second, self.steady_s = self._call(given[1])
        other = self._read(second, agreeing)
        del second
        self.checked = self._told_apart(agreeing, one, other)
        self.compiled = self._counted() - before
        self.evaluations, why = counted.looked_into(
            cell, self.timed, traits, inside() - inside_before if inside else 0
        )
        if why:
            raise Wrong(self.checked, why)
        why = compilers.eager(self.compiled, traits, cell.task)
        if self.compiles and self.count and why:
            raise Wrong(self.checked, f"{why} in mode {cell.mode}: it ran eagerly")
        self.observed = Observed()
        self.samples: list[float] = []
        self.late: list[float] = []
        self.visits: list[float] = []

    def _call(self, given: Any) -> tuple[Any, float]:
        """What one call gives, and its seconds. Raises Wrong where that tells it is not there."""
        began = time.perf_counter()
        value = self.timed.barriered(given)
        seconds = time.perf_counter() - began
        self._finished(value)
        return value, seconds

    def _finished(self, value: Any) -> None:
        if unfinished(value):
            raise Wrong(self.checked, f"{EARLY}, as it tells itself")

    def _read(self, answer: Any, agreeing: Row) -> NDArray[Any]:
        """The answer of the call before. Raises Wrong where that was over too early, every time.

        Once, the machine may have been busy elsewhere.
        """
        for _ in range(READS):
            began = time.perf_counter()
            found = explainer.to_host(self.timed.framework, answer)
            read_s = time.perf_counter() - began
            if read_s <= max(self.steady_s, READ_S):
                return found
            answer, call_s = self._call(self.timed.inputs[1])
            self.steady_s = min(self.steady_s, call_s)
        took = f"reading it took {read_s:.3f} s after a call of {self.steady_s:.3f} s"
        raise Wrong(agreeing, f"{EARLY}: {took}")

    def _told_apart(self, row: Row, one: NDArray[Any], other: NDArray[Any]) -> Row:
        """The row again. Raises Wrong where two inputs gave one answer, or a step learned nothing.

        Maps after ReLU may be zero for a whole batch: then equality says nothing.
        """
        if not one.any() and not other.any():
            unchecked = "every map is zero: that inputs are not folded in went unchecked"
            return {**row, "notes": unchecked}
        if why := self.timed.doubt(one, other):
            raise Wrong(row, why)
        return row

    def visit(self, benchmark: Any) -> None:
        """A few samples more."""
        timed = self.timed
        rounds = int(np.clip(VISIT_S / self._warmed(), 1, MOST))
        draws = [timed.fresh.draw() for _ in range(rounds)]
        looked_at = {rounds - 1, secrets.randbelow(rounds)}
        answers: dict[int, Any] = {}
        turns = iter(range(rounds))

        def ready() -> tuple[tuple[int], dict[str, Any]]:
            number = next(turns)
            if number - 1 not in looked_at:
                answers.pop(number - 1, None)
            return (number,), {}

        def call(number: int) -> None:
            answers[number] = timed.barriered(draws[number].input)

        before = self._counted()
        with self.observed:
            benchmark.pedantic(call, setup=ready, rounds=rounds, iterations=1)
        for number in sorted(looked_at, reverse=True):  # the last first, before it is made late
            self._look_at(draws[number], answers.pop(number))
        if recompiled := self._counted() - before:
            raise Wrong(self.checked, f"compiled {recompiled} times while timed")
        found = [sample / timed.parts for sample in benchmark.stats.stats.data]
        self.samples += found
        self.visits.append(float(np.median(found)))

    def _look_at(self, draw: Draw, answer: Any) -> None:
        """Keep what was answered while timed, and how much longer it took to come than again."""
        self._finished(answer)
        taken = []
        for _ in range(2):
            began = time.perf_counter()
            found = explainer.to_host(self.timed.framework, answer)
            taken.append(time.perf_counter() - began)
            if len(taken) == 1:
                self.timed.fresh.keep(draw, found)
        self.late.append(taken[0] - taken[1])

    @property
    def sure(self) -> bool:
        """Whether the clock has come often enough."""
        most = len(self.visits) >= MOST_VISITS
        return most or len(self.visits) >= max(VISITS, enough(self.visits))

    def _warmed(self) -> float:
        """Seconds of a call, once it is warm again: the shortest so far.

        What the second call ever took says little: another process may have been getting ready.
        """
        spent = 0.0
        while spent < WARM_S and (self.steady_s < LONG_S or not self.samples):
            seconds = self._call(self.timed.inputs[0])[1]
            self.steady_s = min(self.steady_s, seconds)
            spent += seconds
        return self.steady_s

    def _counted(self) -> int:
        return self.count() if self.count else 0

    def row(self) -> Row:
        """Agreement, cost and all samples so far.

        Raises Wrong for what no machine can do, and where what was answered while timed came later
        than its call, or is not right.
        """
        checked, cost, observed = self.checked, self.timed.cost, self.observed
        seconds = float(np.median(self.samples))
        notes = [note for note in (checked.get("notes"), cost.get("notes")) if note]
        calls = len(self.samples) * self.timed.parts
        share = peak.share(cost.get("flops"), seconds, self.cell, self.context)
        if share is not None and share > IMPOSSIBLE:
            told = f"{share:.3g} times the machine's measured peak: it was not computed when timed"
            raise Wrong(checked, told)
        if (late := float(np.median(self.late))) > max(seconds, LATE_S):
            raise Wrong(checked, f"{EARLY}: it came {late:.2g} s after one of {seconds:.2g} s")
        again = self.timed.fresh.again()
        if again.get("agree") is False:
            told = f"max_rel {again.get('max_rel', math.nan):.3g} on images that no list has"
            raise Wrong(checked, f"what was answered while timed is not right: {told}")
        return {
            **checked,
            **cost,
            "compiler_s": self.compiler_s,
            "compile_s": max(self.first_s - self.steady_s, 0.0) if self.compiles else None,
            "compile_count": self.compiled if self.count else None,
            "cache": os.environ[compile_caches.STATE],
            **figures(self.samples),
            "images_per_s": self.cell.batch / seconds,
            "peak_share": share,
            "evaluations": cost.get("evaluations") or self.evaluations,
            **self.held.row,
            **observed.row,
            "notes": "; ".join(notes) or None,
            "page_faults": observed.faults / calls,
        }


def _agreeing(row: Row) -> Row:
    """The row of the check. Raises Wrong where the answer is not the oracle's."""
    if row.get("agree") is False:
        gate = row["tolerance"]
        held = "what its median may be" if gate is None else f"a tolerance of {gate}"
        error = f"max_rel {row['max_rel']:.3g} against {held}"
        raise Wrong(row, f"disagrees with the oracle: {error}")
    return row
