"""The networks that people use, exported, imported, computed in every column: `results/imports.md`.

    nox -s imports [-- --only timm --work FOLDER --seconds 300 --part export]

The parts are export, condition, columns and table. What was done before is kept in the work folder,
so it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from bench.engine.environment import environment
from bench.record.cell import Cell
from experiments.imports import table
from experiments.imports.networks import SOURCES
from implementations import frameworks

ROOT = Path(__file__).parents[2]
PARTS = ("export", "condition", "columns", "table")


def export(source: str, work: Path, seconds: float) -> None:
    """A source's networks that are still wanted, in a process that is started anew if it ends."""
    names, _, variables = SOURCES[source]
    while wanted := [name for name in names() if not (place(work, source, name)).exists()]:
        command = [sys.executable, "-m", "experiments.imports.exported", source, str(work)]
        # One process for a few: what they leave in memory does not add up.
        part = wanted[:8]
        process = subprocess.Popen([*command, *part], cwd=ROOT, env={**os.environ, **variables})
        try:
            status = process.wait(seconds * len(part))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            status = None
        undone = [name for name in part if not place(work, source, name).exists()]
        if undone:
            why = "not done in time" if status is None else f"the process ended with {status}"
            row = {"source": source, "network": undone[0], "status": "not exported", "reason": why}
            path = place(work, source, undone[0])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(row))


def place(work: Path, source: str, name: str) -> Path:
    """Where the row of a network is kept."""
    return work / f"{source} {name}".replace(", ", "-").replace(":", "-") / "row.json"


def columns(work: Path, only: str) -> None:
    """Every network that was imported, in every column, in float32 and in float64."""
    for column in frameworks.columns():
        if column.missing:
            continue
        for precision in ("float32", "float64"):
            cell = Cell(
                stage="agree", framework=column.framework, backend=column.backend, dataset="",
                architecture="", precision=precision,
            )  # fmt: skip
            command = [sys.executable, "-m", "experiments.imports.computed", column.label]
            variables = {**os.environ, **environment(cell)}
            for _ in range(100):  # a process that ends in one network goes on with the next
                told = [*command, precision, str(work), only]
                if subprocess.run(told, cwd=ROOT, env=variables, check=False).returncode == 0:
                    break


def main() -> None:
    """All of it, or a part."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="sources that begin so")
    parser.add_argument("--work", type=Path, default=ROOT / "results/local/work/imports")
    parser.add_argument("--seconds", type=float, default=300, help="for a network's export")
    parser.add_argument("--part", choices=PARTS, help="by default all four")
    asked = parser.parse_args()
    parts = (asked.part,) if asked.part else PARTS
    if "export" in parts:
        for source in SOURCES:
            if source.startswith(asked.only):
                export(source, asked.work.absolute(), asked.seconds)
    only = asked.only.replace(", ", "-")
    if "condition" in parts:
        command = [sys.executable, "-m", "experiments.imports.condition"]
        subprocess.run([*command, str(asked.work.absolute()), only], cwd=ROOT, check=False)
    if "columns" in parts:
        columns(asked.work.absolute(), only)
    if "table" in parts:
        table.write(asked.work, ROOT / "results")


if __name__ == "__main__":
    main()
