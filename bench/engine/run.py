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
import os
import secrets
import shutil
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.record import machine, under_way
from bench.record.array_file import write_bytes
from bench.record.cell import Cell
from bench.record.runs import LOCAL, Row, strict
from bench.record.schema import ANSWERED, COLUMNS, SCHEMA
from bench.subject.fingerprint import code_of
from implementations.errors import BadInput

HEAD = "head.json"


class Run:
    """One run: opened, fed with rows, finished. Opening what was asked before goes on with it."""

    def __init__(self, stage: str, asked: Mapping[str, Any], results: Path = LOCAL) -> None:
        self.results = results
        here = machine.describe()["machine_id"]
        text = json.dumps({"stage": stage, "machine": here, **asked}, sort_keys=True, default=str)
        key = f"{stage}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
        self.folder = results / "work" / key
        self.rows_path = self.folder / "rows.jsonl"
        held = under_way.hold(self.folder)
        self._release = weakref.finalize(self, os.close, held)
        head_path = self.folder / HEAD
        # By cell and round: what newer code measured stands for what older code did.
        self._cells = {
            (rows[0]["cell_id"], rows[0]["round"]): rows for rows in under_way.rows(self.rows_path)
        }
        head = under_way.head(head_path)
        if head is None:
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
            # Two runs may begin within a second, also on equal machines that share their storage.
            run_id = f"{stage}-{now}-{here}-{secrets.token_hex(4)}"
            head = {"run_id": run_id, "asked": dict(asked), **machine.provenance()}
            content = json.dumps(head, default=str)
            write_bytes(head_path, content.encode())
            head = json.loads(content)
        self.head: dict[str, Any] = head
        self.run_id = str(self.head["run_id"])

    @property
    def rows(self) -> list[Row]:
        """The rows so far."""
        return [row for rows in self._cells.values() for row in rows]

    @property
    def resumed(self) -> bool:
        """Whether rows were there already."""
        return bool(self._cells)

    def has(self, cell: Cell, number: int = 0) -> bool:
        """Whether a cell has its answer, by the code as it is now.

        One that failed, perhaps for want of space, memory or time, has none: it is tried again.
        """
        rows = self._cells.get((cell.cell_id, number), [])
        answered = bool(rows) and all(row["status"] in ANSWERED for row in rows)
        return answered and rows[0]["code_hash"] == code_of(cell)

    def forget(self, cell: Cell, **unless: Any) -> None:
        """Let a cell be run again unless its rows have these values."""
        first = self._cells.get((cell.cell_id, 0), [{}])[0]
        if first and any(first.get(name) != value for name, value in unless.items()):
            del self._cells[cell.cell_id, 0]

    def add(
        self, cell: Cell, number: int, measured: Iterable[Row], of: Mapping[str, Any] | None = None
    ) -> None:
        """Append a finished cell's rows in one write; `of` says what they are of (`described.of`).

        Raises ValueError for an unknown column, BadInput where there is no room.
        """
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
            **(of or {}),
        }
        rows = [{**stamp, **strict(row)} for row in measured] or [{**stamp, "status": "ok"}]
        for row in rows:
            stray = set(row) - set(COLUMNS)
            if stray:
                raise ValueError(f"a row has unknown columns: {', '.join(sorted(stray))}")
        text = json.dumps(rows, allow_nan=False) + "\n"
        under_way.append(self.rows_path, text)
        self._cells[cell.cell_id, number] = json.loads(text)

    def know(self, machines: Mapping[str, Mapping[str, Any]]) -> None:
        """Describe machines that rows name: the head has them before its rows."""
        known = self.head.get("machines", {})
        if new := {name: dict(machines[name]) for name in machines.keys() - known.keys()}:
            self.head["machines"] = {**known, **new}
            write_bytes(self.folder / HEAD, json.dumps(self.head, default=str).encode())

    def discard(self) -> None:
        """Leave nothing of a run in which nothing came out well, but what its children wrote."""
        if all(row["status"] != "ok" for row in self.rows):
            self.end()
            with suppress(OSError):  # folders that were made for it, if nothing else is in them
                self.folder.parent.rmdir()
                self.results.rmdir()

    def forget_log(self) -> None:
        """Remove what the children wrote, where all that is to be said of it has been."""
        (self.folder / "children.log").unlink(missing_ok=True)

    def finish(self) -> Path:
        """Save the rows and end the run."""
        path = self.save()
        self.end()
        return path

    def save(self) -> Path:
        """Write the rows into `results/runs/`; until the run is ended, it can be gone on with."""
        path = self.results / "runs" / f"{self.run_id}.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps({"head": self.head}, default=str), *map(json.dumps, self.rows)]
        write_bytes(path, gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))
        return path

    @property
    def log(self) -> Path:
        """Where what the children wrote is kept when the run has ended."""
        return self.results / "work" / "logs" / f"{self.run_id}.log"

    def end(self) -> None:
        """Leave nothing of the run under way but what its children wrote. Raises BadInput."""
        written = self.folder / "children.log"
        try:
            if written.exists():
                self.log.parent.mkdir(exist_ok=True)
                written.replace(self.log)
            if self.folder.exists():  # a run that was refused has written nothing
                shutil.rmtree(self.folder)
        except OSError as error:
            raise BadInput(f"cannot remove {self.folder}: {error.strerror}") from error
        self._release()
