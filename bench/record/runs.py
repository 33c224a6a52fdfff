"""Rows on disk: appended whole, never rewritten; a killed run goes on where it was.

A run that is under way is a folder `results/work/<key>/`, where the key stands for what was asked
and on which machine; its `rows.jsonl` grows by one line, written at once, for each finished cell:
the list of its rows. When the run ends it becomes one file, `results/runs/<run_id>.jsonl.gz`: the
head with machine and versions first, then the rows.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import os
import shutil
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.record import machine
from bench.record.cell import Cell
from bench.record.fingerprint import RENAMED, code_of
from bench.record.schema import COLUMNS, SCHEMA
from implementations.architecture.weights import write_bytes
from implementations.errors import BadInput

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"

Row = dict[str, Any]


class Run:
    """One run: opened, fed with rows, finished. Opening what was asked before goes on with it."""

    def __init__(self, stage: str, asked: Mapping[str, Any], results: Path = RESULTS) -> None:
        self.results = results
        here = machine.describe()["machine_id"]
        text = json.dumps({"stage": stage, "machine": here, **asked}, sort_keys=True, default=str)
        key = f"{stage}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
        self.folder = results / "work" / key
        self.rows_path = self.folder / "rows.jsonl"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"cannot write {self.folder}: {error.strerror}") from error
        head_path = self.folder / "head.json"
        if not head_path.exists():
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
            head = {"run_id": f"{stage}-{now}-{here}", "asked": dict(asked), **machine.provenance()}
            write_bytes(head_path, json.dumps(head, default=str).encode())
        self.head: dict[str, Any] = json.loads(head_path.read_text(encoding="utf-8"))
        self.run_id = str(self.head["run_id"])
        # By cell and round: what newer code measured stands for what older code did.
        self._cells = {
            (rows[0]["cell_id"], rows[0]["round"]): rows
            for rows in _read_whole_lines(self.rows_path)
        }

    @property
    def rows(self) -> list[Row]:
        """The rows so far."""
        return [row for rows in self._cells.values() for row in rows]

    @property
    def resumed(self) -> bool:
        """Whether rows were there already."""
        return bool(self._cells)

    def has(self, cell: Cell, number: int = 0) -> bool:
        """Whether a cell is finished, by the code as it is now."""
        rows = self._cells.get((cell.cell_id, number))
        code = code_of(cell)
        return rows is not None and rows[0]["code_hash"] == code

    def add(self, cell: Cell, number: int, measured: Iterable[Row]) -> None:
        """Append a finished cell's rows in one write. Raises ValueError for an unknown column."""
        code = code_of(cell)
        stamp = {
            "schema": SCHEMA,
            "run_id": self.run_id,
            "cell_id": cell.cell_id,
            "code_hash": code,
            "round": number,
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "column": cell.column.label,
            **asdict(cell),
        }
        rows = [{**stamp, **strict(row)} for row in measured] or [{**stamp, "status": "ok"}]
        for row in rows:
            stray = set(row) - set(COLUMNS)
            if stray:
                raise ValueError(f"a row has unknown columns: {', '.join(sorted(stray))}")
        text = json.dumps(rows, allow_nan=False) + "\n"
        with self.rows_path.open("a", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        self._cells[cell.cell_id, number] = json.loads(text)

    def discard(self) -> None:
        """Leave nothing of a run in which nothing came out well, but what its children wrote."""
        if all(row["status"] != "ok" for row in self.rows):
            self._end()

    def finish(self) -> Path:
        """Move the rows into `results/runs/` and end the run."""
        path = self.results / "runs" / f"{self.run_id}.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps({"head": self.head}, default=str), *map(json.dumps, self.rows)]
        write_bytes(path, gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))
        self._end()
        return path

    @property
    def log(self) -> Path:
        """Where what the children wrote is kept when the run has ended."""
        return self.results / "work" / "logs" / f"{self.run_id}.log"

    def _end(self) -> None:
        written = self.folder / "children.log"
        if written.exists():
            self.log.parent.mkdir(exist_ok=True)
            written.replace(self.log)
        shutil.rmtree(self.folder)


def strict(value: Any) -> Any:
    """The same in strict JSON, which has no word for what is not finite: null."""
    if isinstance(value, dict):
        return {name: strict(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [strict(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _read_whole_lines(path: Path) -> list[list[Row]]:
    """The lines of a file, each a cell's rows; a last one torn by a kill is cut off the file."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    return [json.loads(line) for line in whole.splitlines()]


def read(path: Path) -> tuple[dict[str, Any], list[Row]]:
    """Head and rows of a finished run's file. Raises BadInput."""
    try:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        head, *rows = [json.loads(line) for line in lines]
        for row in rows:
            row["code_hash"] = RENAMED.get(row["code_hash"], row["code_hash"])
        return head["head"], rows
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise BadInput(f"{path} is not a run's file ({error})") from error


def published(results: Path = RESULTS) -> list[tuple[dict[str, Any], list[Row]]]:
    """Every finished run, oldest first."""
    paths = sorted((results / "runs").glob("*.jsonl.gz"))
    runs = [read(path) for path in paths]
    return sorted(runs, key=lambda run: str(run[0]["run_id"]).split("-")[1])
