"""The commands that run whole stages: agree, time, contrast, compare, sweep and report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.engine.progress import answer
from bench.job import changes, main_job, publishing
from bench.job.pipeline import Pipeline
from bench.job.plans import planned, source
from bench.record import machine
from bench.record.runs import Row
from bench.report.changes import compare as what_changed
from bench.subject.inputs import shared_weights
from bench.subject.request import Request
from implementations.errors import BadInput

IMAGES, QUICK_IMAGES = 256, 64
"""Images that `compare` compares: fewer where the main job is to be done in minutes."""


def run_compare(request: Request) -> int:
    """`compare`: the main job."""
    machine.require(request.device)
    images = request.n_images or (IMAGES if request.datasets else QUICK_IMAGES)
    return main_job.compare(replace(request, n_images=images))


def run_stage(request: Request) -> int:
    """`agree`, `time`, `contrast` or `sweep`: one stage over the trained networks."""
    machine.require(request.device)
    for dataset, architecture, trainer in planned(request.command, request):
        path = shared_weights(dataset, architecture, request.results)
        need = request.command in ("agree", "contrast") or trainer == "given"
        if need and not path.exists():
            raise BadInput(f"no trained weights {path}; {source(dataset, architecture)}")
    earlier = changes.check(Path(request.compare)) if request.compare else None
    job = main_job.begin(request.command, request)
    status = main_job.conclude(job, STAGES[request.command](job))
    if earlier:
        told = what_changed(earlier, (job.run.head, job.run.rows))
        answer.print(told)
    return status


STAGES: dict[str, Callable[[Pipeline], list[Row]]] = {
    "agree": Pipeline.agree,
    "sweep": lambda job: [*job.train(), *job.agree(thorough=True)],
    "time": Pipeline.time,
    "contrast": Pipeline.contrast,
}


def run_report(request: Request) -> int:
    """`report`: tables and pictures again from the finished runs."""
    for path in publishing.tables(request.results):
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
