"""For a run that differs, the smallest probe that shows it, as a file that has been run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.stages.conform.design import BASE, REPRODUCED, Run
from bench.stages.conform.examined import Subject, held
from bench.stages.conform.explaining import NOT_OFFERED, RAISES, REFUSES, answer
from bench.stages.conform.reproducer import Deviation, shown
from bench.truth.claims import TOLERANCES, predicted
from bench.truth.conformity import DIFFERS, misfit
from bench.truth.probes import Probe
from implementations.arrays import Floats
from implementations.errors import BadInput, Unavailable
from implementations.frameworks import hosts

TOLD = (DIFFERS, RAISES, REFUSES)
"""The verdicts that are reproduced."""
MARGIN = 3.0
"""By how much a probe's error must exceed the tolerance, to be shown by it."""


def reproduced(
    subject: Subject, run: Run, library: str, version: str, offer: str, folder: Path
) -> str:
    """The file's name; empty where no probe shows the deviation in a process of its own."""
    for candidate in _smaller(run):
        for probes in _fewer(candidate):
            try:
                tried = ((*_expected(subject, candidate, probe), probe) for probe in probes)
                telling = next(((maps, each) for maps, differs, each in tried if differs), None)
                if telling is None:
                    continue
                expected, probe = telling
                double = candidate.host == "float64" and subject.claim is not None
                tolerance = TOLERANCES["float64" if double else "float32"]
                deviation = Deviation(
                    subject.framework, library, version, offer, candidate, probe,
                    candidate.node(probe), expected, tolerance,
                )  # fmt: skip
                if found := shown(deviation, folder, run.condition):
                    return found
            except (BadInput, Unavailable):
                continue
    return ""


def _smaller(run: Run) -> Iterator[Run]:
    """The same run on the smallest probes first; what is about a probe stays on it."""
    if run.probe == BASE:
        for name in REPRODUCED:
            yield replace(run, probe=name)
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


def _expected(subject: Subject, run: Run, probe: Probe) -> tuple[Floats | None, bool]:
    """The maps that a run should give (None: any), and whether it gives others."""
    host, node = held(subject, run, probe), run.node(probe)
    found = answer(subject.explain, host, probe, node, False)
    if found.maps is None:
        return None, found.word in (RAISES, REFUSES) and found.word != NOT_OFFERED
    if subject.claim is None:
        return _like_plain(subject, run, probe, found.maps)
    asked = subject.asked(run, probe, host)
    claim = replace(subject.claim, score=asked.score)
    made = predicted(asked, claim, found.maps)
    if made is None or made.maps.shape != found.maps.shape or not np.isfinite(made.maps).all():
        return None, False
    return made.maps, bool(misfit(found.maps, asked, claim).max() > MARGIN * asked.tolerance)


def _like_plain(
    subject: Subject, run: Run, probe: Probe, maps: Floats
) -> tuple[Floats | None, bool]:
    """What an explainer gives of the plain host, where a run must give the same."""
    plain = replace(run, host=hosts.PLAIN)
    if run.like_base is None and replace(run, probe=BASE).like_base is None:
        return None, False
    host = held(subject, plain, probe)
    first = answer(subject.explain, host, probe, plain.node(probe), run.one_image)
    if first.maps is None or first.maps.shape != maps.shape or not np.isfinite(first.maps).all():
        return None, False
    apart, peak = np.abs(maps - first.maps).max(), np.abs(first.maps).max()
    return first.maps, bool(not apart <= MARGIN * TOLERANCES["float32"] * peak)
