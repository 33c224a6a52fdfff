"""Finished runs on disk, and which of them count.

A run is one file, `results/runs/<run_id>.jsonl.gz`: the head with machine and versions first, then
the rows.

`results/local/`, which git ignores, is where every command writes unless it is told another
place. Of the tracked `results/` the runs count that `published.toml` names, each with its digest;
of any other folder all do.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.record.reading import read as read
from implementations.errors import BadInput
from implementations.files import MOST_JSON, read_plain

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"
"""The tracked results, which `publish` alone changes."""
LOCAL = RESULTS / "local"
"""A user's own results."""
LIST = "published.toml"

Row = dict[str, Any]


def strict(value: Any) -> Any:
    """The same in strict JSON, which has no word for what is not finite: null."""
    if isinstance(value, dict):
        return {name: strict(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [strict(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def published(
    results: Path = RESULTS, say: Callable[[str], None] | None = None
) -> list[tuple[dict[str, Any], list[Row]]]:
    """The runs that tables are made of, oldest first: those that are named, where a list names any.

    Raises BadInput for a file that cannot be read or is not the one that was published; where
    `say` takes the line that tells so, the file is left out instead.
    """
    runs = []
    digests = {str(entry["file"]): str(entry["sha256"]) for entry in named(results)}
    listed = (results / LIST).exists()
    for name in digests if listed else [p.name for p in (results / "runs").glob("*.jsonl.gz")]:
        path = results / "runs" / name
        try:
            if listed and digest(path) != digests[name]:
                raise BadInput(f"{path} is not the file that was published: its digest differs")
            runs.append(read(path))
        except BadInput as error:
            if say is None:
                raise
            say(f"{error}; left out")
    return sorted(runs, key=lambda run: (started(run[0]), str(run[0]["run_id"])))


def started(head: Mapping[str, Any]) -> str:
    """When a run began, in a form that sorts."""
    return "".join(str(head["run_id"]).split("-")[1:2])


def named(results: Path) -> list[dict[str, str]]:
    """The runs of `published.toml`: file, sha256, machine, commit, date. Raises BadInput."""
    path = results / LIST
    if not path.exists():
        return []
    try:
        found = tomllib.loads(read_plain(path, MOST_JSON, "list of runs").decode()).get("run", [])
        wrong = [run for run in found if Path(run["file"]).name != run["file"] or not run["sha256"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{path} is not a list of runs ({error}); see docs/measurement.md"
        ) from error
    if wrong:
        raise BadInput(f"{path} names {wrong[0]['file']!r}: name a file of {results / 'runs'}")
    return list(found)


def digest(path: Path) -> str:
    """The SHA-256 of a file. Raises BadInput where it cannot be read."""
    return hashlib.sha256(read_plain(path, 1 << 32)).hexdigest()
