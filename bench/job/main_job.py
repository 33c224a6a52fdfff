"""The main job, end to end: train, agree, time, contrast, and the tables made of it all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bench import report
from bench.engine.execute import disagreements
from bench.engine.progress import answer, console
from bench.job import publishing
from bench.job.pipeline import Pipeline
from bench.job.plans import planned
from bench.record.runs import Row, published
from bench.subject.request import Request


def begin(stage: str, request: Request) -> Pipeline:
    """A pipeline of a stage over what was asked; goes on with a killed run of the same."""
    asked = planned(stage, request)
    names = tuple(dict.fromkeys(network.architecture for network in asked))
    sets = tuple(dict.fromkeys(network.dataset for network in asked))
    job = Pipeline(stage, replace(request, datasets=sets, architectures=names), asked)
    if job.run.resumed:
        rows = len(job.run.rows)
        console.print(f"Going on with {job.run.run_id}: {rows} rows are there already.")
    return job


def perform(request: Request, stages: Iterable[str]) -> tuple[Pipeline, int]:
    """Run stages over what was asked; their job, and 0, or 3 where a check failed."""
    job = begin(request.command, request)
    return job, conclude(job, [row for stage in stages for row in job.stage(stage)])


def conclude(job: Pipeline, rows: Iterable[Row]) -> int:
    """End the run: its file, the tables and pictures, the choosing table on the screen."""
    bad = disagreements(rows)
    results = job.request.results
    path = job.run.save()
    touched = {(str(row["dataset"]), str(row["architecture"])) for row in job.run.rows}
    written = publishing.tables(results, touched)
    # Only now: one killed among the tables goes on from here, with its rows there once.
    job.run.end()
    answer.print(report.choose(published(results, publishing.say)))
    answer.print(f"\nRows:    {path}")
    for folder in sorted({str(file.parent) for file in written}):
        answer.print(f"Written: {folder}/ ({sum(str(f.parent) == folder for f in written)} files)")
    for row in bad[:20]:
        error = "what is not finite" if row.get("max_rel") is None else f"{row['max_rel']:.3g}"
        what = row.get("reason") or f"{row['compared']} differs by {error}"
        where = (row["column"], row["method"] or row["task"], row["architecture"], row["dataset"])
        console.print(f"CHECK FAILED  {' '.join(where)}: {what}", markup=False, soft_wrap=True)
    if len(bad) > 20:
        console.print(f"CHECK FAILED  and {len(bad) - 20} more; see {results / 'tables'}")
    return 3 if bad else 0
