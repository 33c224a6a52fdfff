"""The main job, end to end: train, agree, time, contrast, and the tables made of it all."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bench.engine.execute import disagreements
from bench.engine.progress import answer, console
from bench.job import ending, publishing
from bench.job.pipeline import Pipeline
from bench.job.plans import planned
from bench.record.runs import Row
from bench.subject import names
from bench.subject.request import Request
from bench.subject.stages import timed
from implementations.errors import BadInput, Unavailable


def begin(stage: str, request: Request) -> Pipeline:
    """A pipeline of a stage over what was asked; goes on with a killed run of the same."""
    asked = planned(stage, request)
    for reason in names.broken():
        console.print(f"Left out: {reason}", markup=False, soft_wrap=True)
    # A stage that has networks of its own plans none, and goes through those that were named.
    planned_for = tuple(dict.fromkeys(network.architecture for network in asked))
    architectures = planned_for or request.architectures
    sets = tuple(dict.fromkeys(network.dataset for network in asked))
    job = Pipeline(stage, replace(request, datasets=sets, architectures=architectures), asked)
    try:
        job.check_weights()
    except BadInput:
        job.run.discard()
        raise
    if job.run.resumed:
        rows = len(job.run.rows)
        console.print(f"Going on with {job.run.run_id}: {rows} rows are there already.")
    return job


def perform(request: Request, stages: Iterable[str]) -> tuple[Pipeline, int]:
    """Run stages over what was asked; their job, and 0, or 3 where a check failed."""
    asked, new = list(stages), not request.results.exists()
    try:
        job = begin(request.command, request)
    except (BadInput, Unavailable):
        if new:
            _sweep(request.results)
        raise
    try:
        if timed(asked):
            job.engine.alone()
        rows = [row for stage in asked for row in job.stage(stage)]
    except (BadInput, Unavailable):
        job.run.discard()  # of which nothing came
        if new:
            _sweep(request.results)
        raise
    return job, conclude(job, rows)


def _sweep(results: Path) -> None:
    """Of a run that was refused in a new folder nothing stays, where nothing else came there."""
    for images in (results / "work").glob("images-*.safetensors"):
        images.unlink(missing_ok=True)
    for folder in ("work/networks", "work", ""):
        with suppress(OSError):  # something is in it, or it is not there
            (results / folder).rmdir()


def conclude(job: Pipeline, rows: Iterable[Row]) -> int:
    """End the run: its file, the tables and pictures, one screen of what came of it."""
    bad = disagreements(rows)
    results = job.request.results
    path = job.run.save()
    touched = {(str(row["dataset"]), str(row["architecture"])) for row in job.run.rows}
    publishing.tables(results, touched)
    # Only now: one killed among the tables goes on from here, with its rows there once.
    job.run.end()
    answer.print(ending.screen(job, path))
    for line in ending.failures(bad, results):
        console.print(line, markup=False, soft_wrap=True)
    return 3 if bad else 0
