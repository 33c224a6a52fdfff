"""One explainer put through its runs: a row for each, with the verdict on its maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.engine.worker import Row
from bench.stages.conform.design import Run
from bench.stages.conform.explaining import Answer, Explain, answer
from bench.truth import probes
from bench.truth.claims import TOLERANCES, Asked
from bench.truth.conformity import DIFFERS, OTHER, SAME, Verdict, verdict, word
from bench.truth.probes import Probe
from implementations.arrays import Floats
from implementations.conventions import Convention
from implementations.errors import BadInput, Unavailable
from implementations.frameworks import hosts
from implementations.frameworks.hosts import Host

VOID, NOT_OFFERED = "void", "not offered"
UNFOLLOWED = "it draws by itself: no oracle follows its draws here"
UNSTEADY = "another map at each call, of one seed"
GATE = 1e-5
"""How far a host's output may be from the oracle's, of its largest: else the run says nothing."""


@dataclass
class Subject:
    """An explainer that is examined: what it is like, and what is known of it so far."""

    explain: Explain
    framework: str
    method: str
    """Our method that it is like."""
    precision: str = "float32"
    """Of our own network; a user's host has its own."""
    claim: Convention | None = None
    """The convention that it states, then that which explains its base."""
    base: Floats | None = None
    other: str = ""
    """Why no convention is its own, where it says so."""
    score: str = "logit"
    """What is explained where the host's output is a logit."""
    random: bool = False
    """Whether it draws by itself, of a seed: it is held to its own base alone."""

    def scored(self, host: Host) -> str:
        """What is explained on a host: its output, or of a logit the score asked for."""
        return self.score if host.scores == "logit" else host.scores

    def asked(self, run: Run, probe: Probe, host: Host) -> Asked:
        """What a run asks of it."""
        return Asked(
            probes.network(run.name), probe.images, probe.targets, run.node(probe), self.method,
            self.scored(host), host.precision,
        )  # fmt: skip


def rows(subject: Subject, runs: Iterable[Run]) -> Iterator[Row]:
    """A row a run; the first is the base, on which the others' claim rests."""
    for number, run in enumerate(runs):
        yield _row(subject, run, number == 0)


def _row(subject: Subject, run: Run, base: bool) -> Row:
    probe = run.given()
    node = run.node(probe)
    same = {
        "condition": run.condition, "host": run.host, "probe": run.name, "inputs": run.inputs,
        "node": node, "like": subject.method,
    }  # fmt: skip
    try:
        host = held(subject, run, probe)
    except Unavailable as error:
        return {**same, "verdict": NOT_OFFERED, "reason": str(error)}
    off = gate(host, run, probe)
    if off > GATE:
        return {**same, "verdict": VOID, "size": _number(off), "precision": host.precision}
    if subject.random and not (base or _drawn_alike(run, host)):
        return {**same, "verdict": NOT_OFFERED, "reason": UNFOLLOWED}
    found = answer(subject.explain, host, probe, node, run.one_image)
    if found.word == NOT_OFFERED:
        return {**same, "verdict": NOT_OFFERED, "reason": found.said}
    same |= {"precision": host.precision, "heard": "loud" if found.loud else "silent"}
    same |= {"notes": found.said, "line": found.line}
    if found.maps is None:
        return {**same, "verdict": found.word}
    asked = subject.asked(run, probe, host)
    try:
        if subject.random:
            again = answer(subject.explain, host, probe, node, run.one_image) if base else found
            told = repeated(subject, found, again)
        else:
            told = judged(subject, run, asked, found)
    except (BadInput, Unavailable) as error:
        return {**same, "verdict": NOT_OFFERED, "reason": str(error)}
    if base:
        subject.claim, subject.base = told.claim, found.maps
        if told.claim is not None and told.word == DIFFERS:
            told = replace(told, word=word(asked, told.claim))
        elif told.word == DIFFERS and subject.other:
            told = replace(told, word=OTHER, conventions=subject.other)
    return {
        **same, "verdict": told.word, "conventions": told.conventions, "first": told.first,
        "size": _number(told.size),
    }  # fmt: skip


def judged(subject: Subject, run: Run, asked: Asked, found: Answer) -> Verdict:
    """The verdict on a run's maps; another than the base's says that this run differs."""
    assert found.maps is not None
    order = run.like_base
    like = None if subject.base is None or order is None else subject.base[order]
    told = verdict(found.maps, asked, subject.claim, like, run.known)
    if subject.other and subject.claim is None and order is None and told.word == DIFFERS:
        return replace(told, word=OTHER, conventions=told.conventions or subject.other)
    if subject.base is None or told.claim in (None, asked.plain) or told.word == SAME:
        return told
    if subject.other and order is None:  # what it is on this probe, and it never said what
        return told
    if subject.claim is not None and _one(told.claim) == _one(subject.claim):
        return told
    return replace(told, word=DIFFERS)


def repeated(subject: Subject, found: Answer, again: Answer) -> Verdict:
    """The verdict on an explainer that draws: the same map twice of one seed, and on every host."""
    assert found.maps is not None
    if again.maps is None or not np.array_equal(found.maps, again.maps):
        return Verdict(DIFFERS, UNSTEADY, "heatmap", np.inf)
    base = found.maps if subject.base is None else subject.base
    if base.shape != found.maps.shape:
        return Verdict(DIFFERS, f"the maps' shape is {found.maps.shape}", "heatmap", np.inf)
    apart = float(np.abs(found.maps - base).max() / max(np.abs(base).max(), 1e-300))
    if apart > TOLERANCES["float32"]:
        return Verdict(DIFFERS, "of the same draws", "", apart)
    if subject.base is None:
        return Verdict(OTHER, subject.other)
    return Verdict(SAME, "as its own base", "", apart)


def _drawn_alike(run: Run, host: Host) -> bool:
    """Whether an explainer that draws by itself draws in a run what it drew in the base run."""
    given = run.like_base is not None and run.inputs == "given"
    return given and host.precision == "float32"


def _one(claim: Convention) -> Convention:
    """What a claim says, whatever the score of the host and however small an epsilon."""
    return replace(claim, score="logit", epsilon=0.0)


def held(subject: Subject, run: Run, probe: Probe) -> Host:
    """The host of a run. Raises Unavailable."""
    if run.host == hosts.OWN:
        return hosts.own(subject.framework, probe.architecture, probe.weights, subject.precision)
    return hosts.make(subject.framework, run.host, probe.architecture, probe.weights)


def gate(host: Host, run: Run, probe: Probe) -> float:
    """How far the host's output is from the oracle's, of its largest."""
    expected = probes.network(run.name)(probe.images)
    if host.scores == "probability":
        powers = np.exp(expected - expected.max(axis=1, keepdims=True))
        expected = powers / powers.sum(axis=1, keepdims=True)
    said = host.says(probe.images.astype(np.float32))
    return float(np.abs(said - expected).max() / max(np.abs(expected).max(), 1e-300))


def _number(value: float) -> Any:
    return value if np.isfinite(value) else None
