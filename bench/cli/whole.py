"""The commands that run whole stages: agree, time, contrast, compare, sweep and report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.engine.progress import answer
from bench.job import changes, main_job, publishing
from bench.job.plans import planned, source
from bench.record import machine
from bench.record.runs import RESULTS
from bench.subject.inputs import shared_weights
from bench.subject.request import Request
from implementations.errors import BadInput

IMAGES, QUICK_IMAGES = 256, 64
"""Images that `compare` compares: fewer where the main job is to be done in minutes."""


FURTHER = {"sweep": ("train", "agree"), "contrast": ("contrast", "judge")}
"""The stages of commands that have more than one."""
UNTRAINED = ("time", "steps")
"""Stages that also take networks that nobody has trained."""


def run_compare(request: Request) -> int:
    """`compare`: the main job."""
    machine.require(request.device)
    images = request.n_images or (IMAGES if request.datasets else QUICK_IMAGES)
    request = replace(request, n_images=images)
    return main_job.perform(request, request.stages)[1]


def run_stage(request: Request) -> int:
    """A stage over the trained networks, or `sweep`: training what is needed and agreement."""
    machine.require(request.device)
    sweeps = request.command == "sweep"
    for dataset, architecture, trainer in planned(request.command, request):
        path = shared_weights(dataset, architecture, request.results)
        need = not sweeps and request.command not in UNTRAINED
        if (need or trainer == "given") and not path.exists():
            raise BadInput(f"no trained weights {path}; {source(dataset, architecture)}")
    earlier = Path(request.compare) if request.compare else None
    if earlier:
        changes.check(earlier)
    stages = FURTHER.get(request.command, (request.command,))
    job, status = main_job.perform(request, stages)
    if earlier:
        answer.print(changes.changes(earlier, job.run.head, job.run.rows))
    return status


def run_report(request: Request) -> int:
    """`report`: tables, pictures and pages again, of the finished runs; not what is tracked."""
    if request.results == RESULTS:
        raise BadInput(f"{RESULTS}: only `python -m bench publish` makes these tables anew")
    since = changes.earlier(request.baseline, request.results) if request.baseline else None
    for path in publishing.tables(request.results, since=since):
        answer.print(str(path))
    return 0


def run_publish(request: Request) -> int:
    """`publish`: a user's own runs become published ones, and the tracked tables are of them."""
    if request.withdraw and not request.reason:
        raise BadInput("--withdraw: say why with --reason; results/superseded.csv keeps it")
    for path in publishing.publish(
        request.runs, request.withdraw, request.reason, source=request.results
    ):
        answer.print(str(path))
    return 0
