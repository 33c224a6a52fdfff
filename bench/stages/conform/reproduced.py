"""For a run that differs, the smallest probe that shows it, as a file that has been run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.stages.conform.design import BASE, REPRODUCED, Run
from bench.stages.conform.examined import Subject, held
from bench.stages.conform.explaining import RAISES, REFUSES, answer
from bench.stages.conform.reproducer import Deviation, shown
from bench.truth.claims import TOLERANCES, predicted
from bench.truth.conformity import DIFFERS, misfit
from bench.truth.probes import Probe
from implementations.arrays import Floats
from implementations.errors import BadInput, Unavailable
from implementations.frameworks import hosts

TOLD = (DIFFERS, RAISES, REFUSES)
"""The verdicts that are reproduced."""
MARGINS = (3.0, 1.2)
"""By how much a probe's error must exceed the tolerance, to be shown by it; else by how much."""


def reproduced(
    subject: Subject, run: Run, library: str, version: str, offer: str, folder: Path
) -> str:
    """The file's name; empty where no probe shows the deviation in a process of its own."""
    named = (library, version, offer)
    for margin, candidate in itertools.product(MARGINS, _smaller(run)):
        for probes in _fewer(candidate):
            try:
                found = _shown(subject, candidate, probes, margin, named, folder, run.condition)
            except (BadInput, Unavailable):
                continue
            if found:
                return found
    return ""


def _shown(
    subject: Subject, run: Run, probes: list[Probe], margin: float, named: tuple[str, str, str],
    folder: Path, condition: str,
) -> str:  # fmt: skip
    """The name of the file that shows it on the first of these probes that tells; or none."""
    for probe in probes:
        expected, differs, raised = _expected(subject, run, probe, margin)
        if differs:
            double = run.host == "float64" and subject.claim is not None
            tolerance = TOLERANCES["float64" if double else "float32"]
            deviation = Deviation(
                subject.framework, *named, run, probe, run.node(probe), expected, tolerance, raised
            )
            return shown(deviation, folder, condition)
    return ""


def _smaller(run: Run) -> Iterator[Run]:
    """The same run on the smallest probes first; what is about a probe stays on it."""
    if run.probe == BASE:
        for name in REPRODUCED:
            yield replace(run, probe=name, network="")
    if not run.network:  # too long for a file of literals
        yield run


def _fewer(run: Run) -> Iterator[list[Probe]]:
    """A run's probe with one image, of which any may show it; then with all, if a batch may."""
    probe = run.given()
    if run.inputs == "given" or run.one_image:
        yield [
            replace(probe, images=probe.images[n : n + 1], targets=probe.targets[n : n + 1])
            for n in range(len(probe.images))
        ]
    if not run.one_image:
        yield [probe]


class Told(NamedTuple):
    """The maps that a run should give (None: any), whether it gives others, and its error."""

    expected: Floats | None
    differs: bool
    raised: str = ""


def _expected(subject: Subject, run: Run, probe: Probe, margin: float) -> Told:
    """What a run should give, and whether it does."""
    host, node = held(subject, run, probe), run.node(probe)
    found = answer(subject.explain, host, probe, node, False)
    if found.maps is None:
        return Told(None, found.word in (RAISES, REFUSES), found.said)
    if subject.claim is None:
        return _like_plain(subject, run, probe, found.maps, margin)
    asked = subject.asked(run, probe, host)
    claim = replace(subject.claim, score=asked.score)
    made = predicted(asked, claim, found.maps)
    if made is None or made.maps.shape != found.maps.shape or not np.isfinite(made.maps).all():
        return Told(None, False)
    apart = misfit(found.maps, asked, claim).max()
    return Told(made.maps, bool(apart > margin * asked.tolerance))


def _like_plain(subject: Subject, run: Run, probe: Probe, maps: Floats, margin: float) -> Told:
    """What an explainer gives of the plain host, where a run must give the same."""
    plain = replace(run, host=hosts.PLAIN)
    if run.like_base is None and replace(run, probe=BASE).like_base is None:
        return Told(None, False)
    host = held(subject, plain, probe)
    first = answer(subject.explain, host, probe, plain.node(probe), run.one_image)
    if first.maps is None or first.maps.shape != maps.shape or not np.isfinite(first.maps).all():
        return Told(None, False)
    apart, peak = np.abs(maps - first.maps).max(), np.abs(first.maps).max()
    return Told(first.maps, bool(not apart <= margin * TOLERANCES["float32"] * peak))
