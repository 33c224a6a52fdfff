"""The folder of a run under way: held by one command, read so that what is sound is kept.

A kill, a full disk or a machine that went off may have left a line torn, zeros or nothing at all.
Sound rows stay, one line on standard error says what was left out, and the run goes on.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.record.fault import fault
from bench.record.reading import LARGEST_RUN, brief, head_fault
from implementations.architecture.weights import write_bytes
from implementations.errors import BadInput
from implementations.files import MOST_JSON, read_plain

Row = dict[str, Any]
LOCK = "lock"
LEFT_S = 3600.0
"""Seconds after which nobody writes a file any more."""
PADDING = b"\0 \t\r"


def hold(folder: Path) -> int:
    """Make the folder and hold it until this process ends, or closes the number that is returned.

    Raises BadInput where another process holds it, or where it cannot be written.
    """
    path = folder / LOCK
    try:
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                who = os.read(held, 32).decode(errors="replace").strip() or "another"
                os.close(held)
                told = f"process {who} is at this run already ({folder})"
                raise BadInput(f"{told}: wait for it, or name other --results") from None
            if path.exists() and os.path.samestat(os.fstat(held), path.stat()):
                os.truncate(path, 0)
                os.pwrite(held, str(os.getpid()).encode(), 0)
                _tidy(folder)
                return held
            os.close(held)  # its run has ended meanwhile, and the folder with it
    except OSError as error:
        raise BadInput(f"cannot write {folder}: {error.strerror}") from error


def _tidy(folder: Path) -> None:
    """Remove what a kill left half written: here, and of other runs what is old."""
    for path in folder.parent.rglob(".*.tmp"):
        with suppress(OSError):
            if path.parent == folder or time.time() - path.lstat().st_mtime > LEFT_S:
                path.unlink()


def head(path: Path) -> dict[str, Any] | None:
    """The head of a run under way; None where there is none that can be read."""
    try:
        if not path.exists():
            return None
        found = json.loads(read_plain(path, MOST_JSON))
        why = head_fault(found)
    except (BadInput, ValueError, RecursionError) as error:
        why = brief(error)
    if why:
        sys.stderr.write(f"{path}: left out, it is made anew ({why})\n")
        return None
    return dict(found)


def rows(path: Path) -> list[list[Row]]:
    """The lines of a file, each a cell's rows; lines that are none are taken out of it.

    Raises BadInput where the file cannot be read, or not be mended.
    """
    content = read_plain(path, LARGEST_RUN) if path.exists() else b""
    sound: list[list[Row]] = []
    kept: list[bytes] = []
    faults: list[str] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        text = line.strip(PADDING)
        if not text:
            continue
        try:
            found = json.loads(text)
            why = _line_fault(found)
        except (ValueError, RecursionError) as error:
            why = brief(error)
        if why:
            faults.append(f"line {number}: {why}")
        else:
            kept.append(text + b"\n")
            sound.append(found)
    if faults:
        more = f" (and {len(faults) - 1} more lines)" if len(faults) > 1 else ""
        sys.stderr.write(f"{path}: left out {faults[0]}{more}; done again\n")
    if (mended := b"".join(kept)) != content:
        write_bytes(path, mended)
    return sound


def append(path: Path, text: str) -> None:
    """Add a line in one write. Raises BadInput, leaving no part of it, where there is no room."""
    before = path.stat().st_size if path.exists() else 0
    try:
        with path.open("ab") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        if path.exists() and path.stat().st_size > before:
            os.truncate(path, before)
        told = f"cannot write {path}: {error.strerror}"
        raise BadInput(f"{told}; with room again, the same command goes on from here") from error


def _line_fault(found: Any) -> str | None:
    if not isinstance(found, list) or not found:
        return "a line is the list of a cell's rows"
    if why := next(filter(None, map(fault, found)), None):
        return why
    first: Mapping[str, Any] = found[0]
    if not all(isinstance(row.get("round"), int) and row.get("code_hash") for row in found):
        return "no round, or no code_hash"
    same = all(row["cell_id"] == first["cell_id"] for row in found)
    return None if same else "rows of several cells"
