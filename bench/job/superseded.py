"""Runs that have left the tree: `superseded.csv` names each, and the commit that it is read in."""

from __future__ import annotations

import csv
import io
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.record import runs
from implementations.architecture import weights
from implementations.errors import BadInput
from implementations.files import MOST_JSON, read_plain

LIST = "superseded.csv"
EXPLAINING = ("compare-", "contrast-", "judge-")
"""What runs are called that may have rows of explainers."""
Run = tuple[dict[str, Any], list[runs.Row]]


def note(results: Path, lines: Sequence[Mapping[str, str]]) -> None:
    """Put runs that leave on the list."""
    path = results / LIST
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, ("file", "sha256", "reason", "commit"), lineterminator="\n")
    if not path.exists():
        writer.writeheader()
    writer.writerows(lines)
    there = path.read_bytes() if path.exists() else b""
    weights.write_bytes(path, there + buffer.getvalue().encode())


def explaining(results: Path, say: Callable[[str], None]) -> list[Run]:
    """The runs of explainers that have left the tree, as their commits have them, where git can."""
    path = results / LIST
    if not path.exists():
        return []
    try:
        lines = csv.DictReader(io.StringIO(read_plain(path, MOST_JSON).decode(), newline=""))
        gone = [line for line in lines if line["file"].startswith(EXPLAINING)]
    except (ValueError, KeyError, csv.Error) as error:
        raise BadInput(f"{path} is not the list of runs that left; restore it") from error
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for line in gone:
            there = f"{line['commit']}:./runs/{line['file']}"
            done = _run(results, "show", there)
            copy = Path(folder) / line["file"]
            copy.write_bytes(done)
            if runs.digest(copy) == line["sha256"]:
                found.append(runs.read(copy))
            else:
                where = line["commit"][:12]
                say(f"{line['file']} cannot be read in {where}: what it found is not told")
    return found


def commit(path: Path) -> str:
    """The commit that has a file as it lies there. Raises BadInput where there is none."""
    changed = _git(path.parent, "status", "--porcelain", "--", path.name)
    made = _git(path.parent, "log", "-1", "--format=%H", "--", path.name)
    if changed or not made:
        raise BadInput(f"{path} is in no commit, so nobody could read it later; commit it first")
    return made


def _git(folder: Path, *words: str) -> str:
    """What git says; empty where it fails or is not there."""
    return _run(folder, *words).decode(errors="replace").strip()


def _run(folder: Path, *words: str) -> bytes:
    """What git writes, to the byte."""
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, check=False)
    except OSError:
        return b""
    return done.stdout
