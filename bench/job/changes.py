"""What changed since an earlier run: its file, read before the long run and again after it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.record import older, runs
from bench.report.changes import compare
from bench.report.frame import Run
from implementations.errors import BadInput

MEND = "name the file of a finished `time` or `compare`, as they lie in results/runs/"


def check(path: Path) -> Run:
    """Head and rows of an earlier run. Raises BadInput where it cannot be read or timed nothing."""
    try:
        head, rows = runs.read(path)
        timed = bool(head["run_id"]) and any(row["stage"] == "time" for row in rows)
    except BadInput as error:
        raise BadInput(f"{error}; {MEND}") from error
    except (zlib.error, KeyError, TypeError) as error:
        raise BadInput(f"{path} is not a run's file ({error}); {MEND}") from error
    if not timed:
        raise BadInput(f"{path} has no rows of the time stage; {MEND}")
    return head, rows


def earlier(name: str, results: Path) -> Run:
    """The run of a file, or of an id among the results or what is published. Raises BadInput."""
    asked = Path(name)
    beside = [folder / "runs" / f"{name}.jsonl.gz" for folder in (results, runs.RESULTS)]
    found = [path for path in ([asked] if asked.suffix else beside) if path.exists()]
    if not found:
        raise BadInput(f"no run {name} in {results / 'runs'} or {runs.RESULTS / 'runs'}; {MEND}")
    return check(found[0])


def changes(earlier: Path, head: Mapping[str, Any], rows: Sequence[runs.Row]) -> str:
    """What changed from an earlier run's file to a run (head, rows), as Markdown.

    Raises BadInput as `check` does.
    """
    described = [dict(row) for row in rows]
    older.fill(head, described)  # as the earlier ones were when they were read
    return compare(check(earlier), (head, described))
