"""A user's explainer put through the probes in a process of its own, and what is said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.engine import inherited
from bench.engine.progress import answer
from bench.engine.worker import Row
from bench.record.cell import Cell
from bench.record.runs import digest
from bench.stages import Job
from bench.stages.conform import examined, explaining, given, user_module
from bench.stages.conform.design import BASE, Run, runs
from bench.subject.names import pick_columns, pick_methods
from bench.subject.request import Request
from bench.truth.conformity import DIFFERS, OTHER, SAME, UP_TO
from implementations import methods
from implementations.errors import BadInput, Unavailable
from implementations.frameworks import Column, hosts

FOLDERS, VERSION = "folders", "version"
ANSWERED = (SAME, UP_TO, DIFFERS, OTHER)
"""The verdicts of maps; of the base run any other says that there is nothing to examine."""
FAILED = (DIFFERS, OTHER, explaining.RAISES, explaining.REFUSES)
"""The verdicts that fail a check, where nothing is known that would make any explainer differ."""


def columns(request: Request, path: Path | None) -> list[Column]:
    """Whose models the function takes: those named, or what its module, at a path, imports.

    Raises BadInput where that is none that has hosts, Unavailable where one is not here.
    """
    name = request.explainer
    hosted = [column for column in pick_columns(()) if hosts.about(column.framework)]
    labels = ", ".join(column.label for column in hosted)
    if request.columns == pick_columns(()):
        found = user_module.column(path, hosted)
        if found is None:
            raise BadInput(
                f"--explainer {name}: its module imports no framework that tells whose models it "
                f"takes; name --frameworks, one of {labels}"
            )
        named = [found]
    else:
        named = list(request.columns)
    for column in named:
        if column not in hosted:
            raise BadInput(
                f"--frameworks {column.label}: no host is written in it; one of {labels}"
            )
        if column.missing:
            raise Unavailable(f"{column.label}: {column.missing}")
    return named


def cells(request: Request, path: Path | None) -> Iterator[Cell]:
    """A cell a column. Raises BadInput for options that are of the libraries."""
    if request.libraries:
        raise BadInput("--libraries and --explainer exclude each other: leave one out")
    if request.methods != pick_methods(()):
        raise BadInput("--methods is of libraries: with --explainer name --like, the method it is")
    if methods.load(request.like).card.draws is not None:
        raise BadInput(f"--like {request.like}: it draws random numbers, as no oracle can after it")
    for column in columns(request, path):
        for network in request.architectures or ("",):
            same = given.cell(request, column.framework, column.backend, network)
            yield replace(same, method=request.like, explainer=request.explainer)


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    """A row a run; of what cannot be examined one, skipped, which says why."""
    version = {VERSION: context[VERSION]}
    try:
        function = user_module.load(cell.explainer, context[FOLDERS])
    except BadInput as error:
        yield {"status": "skipped", "reason": str(error), **version}
        return
    explain = explaining.of_user(function)
    usual = methods.load(cell.method).card.score
    subject = examined.Subject(explain, cell.framework, cell.method, score=usual)
    through = list(runs(cell.framework, given.taken(cell, context)))
    for run, row in zip(through, examined.rows(subject, through), strict=True):
        judged = _judged(run, row, function)
        if run.condition == BASE and row["verdict"] not in ANSWERED:
            reason = f"--explainer {cell.explainer}: on the base probe it {said(judged)}"
            yield {"status": "skipped", "reason": reason, **version}
            return
        yield {**judged, **version}


def _judged(run: Run, row: Row, function: user_module.Function) -> Row:
    """A row with the user's own line, and whether a check has failed."""
    if row["verdict"] in (explaining.RAISES, explaining.REFUSES) and function.line:
        word = explaining.REFUSES if function.refused else explaining.RAISES
        row = {**row, "verdict": word, "line": function.line}
    if row["verdict"] in (SAME, UP_TO):
        return {**row, "agree": True}
    if row["verdict"] in FAILED and not run.known:
        row = {**row, "agree": False, "compared": row.get("first") or "heatmap"}
        return {**row, "reason": f"{row['condition']}: {said(row)}"}
    return row


def said(row: Row) -> str:
    """A verdict in words: what gives the maps, the first stage that differs, and by how much."""
    verdict = str(row["verdict"])
    must = verdict == DIFFERS and row.get("agree") is None
    word = f"{verdict}, as any does" if must else verdict
    kept = {examined.NOT_OFFERED: "reason", explaining.RAISES: "notes", explaining.REFUSES: "notes"}
    why = row.get(kept.get(verdict, "conventions"))
    parts = [f"{word}: {why}" if why else word]
    if row.get("first") and verdict != UP_TO:
        parts.append(f"first at {row['first']}")
    if verdict == DIFFERS:
        size = row.get("size")
        parts.append("not finite" if size is None else f"error {size:.2g} of the peak")
    at = f" ({row['line']})" if row.get("line") else ""
    return "; ".join(parts) + at


def screen(cell: Cell, rows: Sequence[Row]) -> str:
    """The verdicts on an explainer: a line a run, and how many there are of each."""
    width = max(len(str(row["condition"])) for row in rows)
    lines = [f"  {row['condition']:<{width}}  {said(row)}" for row in rows]
    counts = Counter(str(row["verdict"]) for row in rows)
    counted = ", ".join(f"{count} {word}" for word, count in counts.items())
    on = "" if cell.architecture == given.PROBES else f" on {cell.architecture}"
    title = f"{cell.explainer} in {cell.column.label}{on}, held against {cell.method}"
    return "\n".join([title, *lines, f"  {len(rows)} runs: {counted}"])


def run(job: Job) -> list[Row]:
    """Put a user's function through the runs, and say what came of it. Raises BadInput."""
    within = user_module.folders()
    path = user_module.source(job.request.explainer, within)
    asked = list(cells(job.request, path))
    user_module.check(job.request.explainer, path)
    version = "" if path is None else digest(path)[:12]
    for cell in asked:
        job.run.forget(cell, status="ok", version=version)
    context = {**job.context, **given.context(job.request), FOLDERS: within, VERSION: version}
    # Said by a run of figures that other settings change: verdicts are no such.
    job.run.head.setdefault("dropped", inherited.dropped())
    rows = job.execute("conform", asked, __name__, context=context)
    for cell in asked:
        mine = [row for row in rows if row["cell_id"] == cell.cell_id]
        refused = [row for row in mine if row["status"] == "skipped"]
        if refused:
            job.run.forget_log()
            raise BadInput(str(refused[0]["reason"]))
        if told := [row for row in mine if row.get("verdict")]:
            answer.print(screen(cell, told))
    return rows
