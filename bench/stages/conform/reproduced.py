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
from bench.truth import probes
from bench.truth.claims import Asked, predicted
from bench.truth.conformity import DIFFERS, misfit
from bench.truth.probes import Probe
from implementations.arrays import Floats
from implementations.errors import BadInput, Unavailable

TOLD = (DIFFERS, RAISES, REFUSES)
"""The verdicts that are reproduced."""
MARGIN = 3.0
"""By how much a probe's error must exceed the tolerance, to be shown by it."""


def reproduced(
    subject: Subject, run: Run, library: str, version: str, offer: str, folder: Path
) -> str:
    """The file's name; empty where no probe shows the deviation in a process of its own."""
    for candidate in _smaller(run):
        probe = candidate.given()
        if run.one_image:
            probe = replace(probe, images=probe.images[:1], targets=probe.targets[:1])
        try:
            expected, differs = _expected(subject, candidate, probe)
            if not differs:
                continue
            deviation = Deviation(
                subject.framework, library, version, offer, candidate, probe,
                candidate.node(probe), expected,
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


def _expected(subject: Subject, run: Run, probe: Probe) -> tuple[Floats | None, bool]:
    """The maps that a run should give (None: any), and whether it gives others."""
    host, node = held(subject, run, probe), run.node(probe)
    found = answer(subject.explain, host, probe, node, False)
    if found.maps is None:
        return None, found.word in (RAISES, REFUSES) and found.word != NOT_OFFERED
    if subject.claim is None:
        return None, False
    network = probes.network(run.probe)
    asked = Asked(
        network, probe.images, probe.targets, node, subject.method, host.scores, host.precision
    )
    claim = replace(subject.claim, score=host.scores)
    made = predicted(asked, claim, found.maps)
    if made is None or made.maps.shape != found.maps.shape or not np.isfinite(made.maps).all():
        return None, False
    return made.maps, bool(misfit(found.maps, asked, claim).max() > MARGIN * asked.tolerance)
