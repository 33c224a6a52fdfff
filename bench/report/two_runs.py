"""Two runs beside each other: what both have timed, and in which unit that may be compared.

Milliseconds are, where machine and versions are the same, but for what drifts between two runs:
what all that is of unchanged code does alike, mostly the machine's doing. Elsewhere only ratios
are: to the best forward pass of the same column, network, batch and precision in the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bench.record.schema import MODES
from bench.report import clock
from bench.report.clock import Timing
from bench.report.frame import NOT_HERE, Run, gather, groups
from bench.report.statistics import Estimate, different, estimate, middle

PLACE = ("dataset", "architecture", "device")
SCOPE = (*PLACE, "column", "mode")
FORWARD = {
    "task": "forward", "library": "", "method": "", "options": "", "score": "logit", "layer": "",
    "optimizer": "",
}  # fmt: skip
"""What a thing's forward pass differs in, and in its mode, of which the fastest counts."""
ABSENT = "none"
ENOUGH = 10
"""Things of unchanged code whose median tells the drift."""

Key = tuple[Any, ...]


class Thing(NamedTuple):
    """One timed cell of one run."""

    key: dict[str, Any]
    timing: Timing
    code: str


class Change(NamedTuple):
    """One thing that has a time in both runs, in a unit in which the two may be compared.

    `drift` is what all of unchanged code has changed by together, now over earlier.
    """

    key: dict[str, Any]
    earlier: Estimate
    now: Estimate
    same_code: bool
    drift: float = 1.0

    @property
    def ratio(self) -> float:
        """Now over earlier."""
        return self.now.value / self.earlier.value

    @property
    def factor(self) -> float:
        """The same beyond the drift: below 1 it is faster."""
        return self.ratio / self.drift

    @property
    def real(self) -> bool | None:
        """Whether the two differ by the rule for cells; None where one process cannot tell."""
        if min(self.earlier.processes, self.now.processes) < 2:
            return None
        return different(self.earlier, self.now.scaled(1 / self.drift))


def differences(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In what machine and versions of two heads differ, an item each; nothing: comparable."""
    old, new = _made_with(earlier), _made_with(now)
    names = dict.fromkeys((*old, *new))
    pairs = [(name, old.get(name) or ABSENT, new.get(name) or ABSENT) for name in names]
    return [f"{name} {one} → {two}" for name, one, two in pairs if one != two]


def _made_with(head: Mapping[str, Any]) -> dict[str, Any]:
    own = {"machine": head.get("machine_id"), "GPU driver": head.get("driver")}
    return {**own, "python": head.get("python"), **head.get("versions", {})}


def things(run: Run) -> dict[Key, Thing]:
    """The cells of a run's `time` stage, by what tells them apart on any machine."""
    # Two runs are held against each other, not against the code as it is now: nothing is stale.
    frame = gather([run], lambda *_: NOT_HERE)
    timed = frame.loc[frame["stage"] == "time", [*PLACE, *clock.READ, "code_hash"]]
    found = {}
    for place, here in groups(timed, PLACE):
        for timing, rows in clock.timed(here):
            key = {**place, **{name: rows[0][name] for name in clock.CELL}}
            code = ", ".join(sorted({row["code_hash"] for row in rows}))
            found[tuple(key.values())] = Thing(key, timing, code)
    return found


def changes(before: dict[Key, Thing], after: dict[Key, Thing], ratios: bool) -> list[Change]:
    """What has a time in both runs: in milliseconds of a call, or as ratios to forward passes.

    In milliseconds beyond the drift; as ratios only what has a forward pass beside it in
    both runs.
    """
    found = []
    for key, now in after.items():
        if key not in before:
            continue
        estimates = [
            ratio(thing, all_of) if ratios else thing.timing.estimate
            for thing, all_of in ((before[key], before), (now, after))
        ]
        if estimates[0] and estimates[1]:
            same = before[key].code == now.code
            found.append(Change(now.key, estimates[0], estimates[1], same))
    moved = 1.0 if ratios else drift(found)
    return [change._replace(drift=moved) for change in found]


def drift(found: Iterable[Change]) -> float:
    """The median factor of what is of unchanged code; 1 where too little is, to tell."""
    same = [change.factor for change in found if change.same_code]
    return middle(same) if len(same) >= ENOUGH else 1.0


def ratio(thing: Thing, found: Mapping[Key, Thing]) -> Estimate | None:
    """A thing's time over that of its best forward pass; None where one of them has no time.

    The quotient of the two; its interval is of the ratios round by round, as the two are measured
    in one process or close in time, and none where they share a single round.
    """
    passes = [found.get(tuple({**thing.key, **FORWARD, "mode": mode}.values())) for mode in MODES]
    timed = [(p.timing.estimate, p.timing.quick) for p in passes if p and p.timing.estimate]
    own, mine = thing.timing.estimate, thing.timing.quick
    if own is None or not timed:
        return None
    best, theirs = min(timed, key=lambda pair: pair[0].value)
    rounds = sorted(mine.keys() & theirs.keys())
    if not rounds:
        return None
    over = estimate([mine[n] / theirs[n] for n in rounds])
    stable = over.stable and own.stable and best.stable
    return over.at(own.value / best.value)._replace(stable=stable)


def only(mine: Mapping[Key, Thing], other: Mapping[Key, Thing]) -> tuple[list[Thing], int]:
    """What one run has and the other lacks; and how many the other had no cause to have.

    These are of a data set, architecture, device, column or mode that the other has nothing of.
    """
    scope = {name: {thing.key[name] for thing in other.values()} for name in SCOPE}
    lacking = [thing for key, thing in mine.items() if key not in other]
    within = [t for t in lacking if all(t.key[name] in scope[name] for name in SCOPE)]
    return within, len(lacking) - len(within)
