"""The one screen at the end of a run: its choosing table, answers, what was left out, where all is.

Only of that run: what else lies in the results is in the tables.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import report
from bench.engine import scratch
from bench.job.pipeline import Pipeline
from bench.record.runs import Row
from bench.report import answers
from bench.report.answers import Place
from implementations.architecture.graph import layers, resolve_layer

ANSWERS = (
    ("Fastest here:", "choose", answers.batches),
    ("For a few calls:", "price_of_jit", answers.few_calls),
    ("Do the columns agree?", "agreement", answers.passed),
)
MOST = 5
"""Failures that are told one by one."""


def screen(job: Pipeline, path: Path) -> str:
    """What is said at the end of a run, whose rows are in the file at `path`."""
    run = (job.run.head, job.run.rows)
    parts = []
    if any(row["stage"] == "time" for row in job.run.rows):
        parts.append(report.choose([run]).strip())
    with tempfile.TemporaryDirectory(dir=scratch.folder()) as folder:
        report.write([run], Path(folder), (), ())
        if job.networks:
            parts.append("\n".join(answered(Path(folder) / "tables", place(job))))
    parts.append(left_out(job.run.rows))
    results = job.request.results
    parts.append(
        f"Open {results}/site/index.html; the rest is in {results}: tables/, figures/, and the "
        f"rows in runs/{path.name}"
    )
    return "\n\n".join(filter(None, parts))


def place(job: Pipeline) -> Place:
    """What the answers of a run are of: the base of its times, or else its first network."""
    request = job.request
    timed = [row for row in job.run.rows if row["stage"] == "time" and row.get("varies") == ""]
    dataset, architecture = job.networks[0][:2]
    if timed:
        dataset, architecture = timed[0]["dataset"], timed[0]["architecture"]
    graph = job.architecture(dataset, architecture)
    layer = resolve_layer(graph, None) if layers(graph) else None
    precision = request.precisions[0]
    return Place(dataset, architecture, request.device, precision, request.batch, layer)


def answered(tables: Path, of: Place) -> Iterator[str]:
    """A sentence for each question that the tables answer."""
    for lead, table, answer in ANSWERS:
        frame = answers.read(tables / f"{table}.csv")
        if len(frame) and (found := answer(frame, of)):
            told, sure = found
            yield f"{lead} {told} ({sure})."


def left_out(rows: Sequence[Row]) -> str:
    """How many cells no column can have, and the commonest reason; empty where there are none."""
    reasons = {row["cell_id"]: str(row["reason"]) for row in rows if row["status"] == "skipped"}
    if not reasons:
        return ""
    ((reason, most),) = Counter(reasons.values()).most_common(1)
    return f"Left out: {len(reasons)} cells that cannot be had here; {most} of them: {reason}."


def failures(bad: Sequence[Row], results: Path) -> Iterator[str]:
    """A line for each of the first checks that failed, and one for the others."""
    for row in bad[:MOST]:
        error = "what is not finite" if row.get("max_rel") is None else f"{row['max_rel']:.3g}"
        what = row.get("reason") or f"{row['compared']} differs by {error}"
        where = (row["column"], row["method"] or row["task"], row["architecture"], row["dataset"])
        yield f"CHECK FAILED  {' '.join(where)}: {what}"
    if len(bad) > MOST:
        yield f"CHECK FAILED  and {len(bad) - MOST} more; see {results / 'tables'}"
