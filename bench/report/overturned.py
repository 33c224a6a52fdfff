"""Findings of last time that no longer stand: rows of earlier runs said so, newer ones do not.

Last time is, for each network, all that was measured before the run whose rows count there now:
published runs that it stands beside, and those that have left the tree since.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cache
from typing import Any

import pandas as pd

from bench.report.explainers import places as scored
from bench.report.finding import Finding
from bench.report.findings import findings
from bench.report.forms import number, text
from bench.report.frame import CodeHash, Run, gather
from bench.report.table import Shown, Table, View
from bench.report.told_apart import HEADLINE, Told, places, towards

STAGES = ("contrast", "judge")
TITLE = "Findings of last time"
NOTE = (
    "What the rows of earlier runs let be said of a network, and the newest run of it does not: "
    "the same kind of sentence of the same explainers by the same metrics. Numbers may differ and "
    "a sentence still stands. A first place falls too where a control that earlier runs had not "
    "reaches its score. Since: the run whose rows count now, and why by it. Runs that have "
    "left the tree are read where superseded.csv says."
)
ALL = "all of its findings still stand"
SHOWN = (
    Shown("last time", text, ("before",)),
    Shown("no longer stands", text, ("finding",)),
    Shown("since", text, ("run_id",)),
    Shown("why", text, ("why",)),
)
SAME = ("dataset", "architecture", "device")
"""What tells a network, on whatever machine it was explained."""


def make(
    runs: Sequence[Run],
    frame: pd.DataFrame,
    left: Sequence[Run] = (),
    code_hash: CodeHash | None = None,
) -> Table:
    """A line for each finding that fell, of `runs` and those that `left`; or that none did.

    `frame` has the rows that count now.
    No line for a network of which nothing was said before.
    """
    if code_hash is None:
        from bench.subject.fingerprint import code_hash as code_hash_now

        code_hash = code_hash_now
    current = cache(code_hash)
    every = [_of_explainers(run) for run in (*left, *runs)]
    lines = []
    for now in places(frame):
        began = _started(now.run_id)
        earlier = [run for run in every if run[1] and _started(str(run[0]["run_id"])) < began]
        rows = gather(earlier, current)
        if before := _last(rows, now):
            lines += list(_lines(before, now))
        lines += list(_uncontrolled(rows, now))
    return Table("overturned", TITLE, pd.DataFrame(lines), [View(SAME, SHOWN)], NOTE)


def _of_explainers(run: Run) -> Run:
    return run[0], [row for row in run[1] if row["stage"] in STAGES]


def _started(run_id: str) -> str:
    return "".join(run_id.split("-")[1:2])


def _last(frame: pd.DataFrame, now: Told) -> Told | None:
    """What was told of the same network last, if anything was."""
    same = [told for told in places(frame) if _network(told) == _network(now)]
    return max(same, key=lambda told: _started(told.run_id), default=None)


def _network(told: Told) -> Hashable:
    return tuple(told.place[name] for name in SAME)


def _lines(before: Told, now: Told) -> Iterator[dict[str, Any]]:
    here = {_about(finding) for finding in findings(now)}
    fallen = [finding for finding in findings(before) if _about(finding) not in here]
    same = {name: now.place[name] for name in (*SAME, "machine_id")}
    same |= {"before": before.run_id, "run_id": now.run_id, "cell_id": now.cell_id}
    if not fallen:
        yield {**same, "kind": "", "finding": ALL, "why": ""}
    for finding in fallen:
        yield {**same, "kind": finding.kind, "finding": finding.text, "why": _why(finding, now)}


def _uncontrolled(frame: pd.DataFrame, now: Told) -> Iterator[dict[str, Any]]:
    """First places of earlier runs that a control which they had not reaches now."""
    same = {name: now.place[name] for name in (*SAME, "machine_id")}
    same |= {"run_id": now.run_id, "cell_id": now.cell_id, "kind": "control"}
    for key, explainers in scored(frame) if len(frame) else ():
        known = {explainer.name for explainer in explainers}
        if any(key[name] != now.place[name] for name in SAME):
            continue
        for metric in now.causes:
            sign = towards(metric)
            found = [
                (sign * e.quality[metric, HEADLINE].value, not e.control, not e.library, e.name)
                for e in explainers
                if (metric, HEADLINE) in e.quality
            ]
            new = [(sign * group.value, name, group.n) for (of, name), group in now.groups.items()
                   if of == metric and name in now.controls - known]  # fmt: skip
            if not found or not new or not max(found)[1] or max(new)[0] < max(found)[0]:
                continue
            (score, *_, name), (reached, control, n) = max(found), max(new)
            told = f"{name} is first by {metric} with {number(sign * score)}"
            why = f"{control}, which it did not have, has {number(sign * reached)} ({n} images)"
            yield {**same, "before": _newest(frame, key, metric), "finding": told, "why": why}


def _newest(frame: pd.DataFrame, key: dict[str, Any], metric: str) -> str:
    """The last run that has this metric of a network."""
    mine = frame[frame["metric"] == metric]
    for name, value in key.items():
        mine = mine[mine[name] == value]
    return max((str(run) for run in mine["run_id"]), key=_started)


def _about(finding: Finding) -> Hashable:
    """What a sentence says, whatever its numbers; of what was told of nobody, that."""
    return finding.kind, frozenset(finding.explainers), frozenset(finding.metrics)


def _why(finding: Finding, now: Told) -> str:
    """What the present rows say of its metrics or its explainers, where they say it."""
    if not finding.kind:
        return "something is told apart"
    there = {*now.explainers, *now.controls}
    gone = sorted(name for name in finding.explainers if name not in there)
    if gone:
        return f"not among the explainers: {', '.join(gone)}"
    causes = [f"{m}: {now.causes.get(m, 'not measured')}" for m in finding.metrics]
    return "; ".join(each for each in causes if not each.endswith(": ")) or "not so among its rows"
