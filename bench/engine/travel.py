"""A job's files on their way to another machine and back.

What is under the results' `work/` keeps its place in a folder of the job's own; any other file, as
weights that a user has elsewhere, lies there under its digest. Of the folders that children fill, a
file travels where the job names it; the oracle's answers all do, as nobody can name them without
computing them. What a job makes or changes there comes back under the same name.

The folder of what the rounds of a stage have compiled stays: it would be warm on one machine only.

Of arrays too large to travel whole, `pieces` in what a job is told has a part for each cell:
{cell_id: {name: [path, start, stop]}}. It travels with its cell, and is kept nowhere longer.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record.array_file import write_bytes
from bench.record.cell import Cell

WORK, GIVEN = "@work/", "@given/"
"""What stands for the two folders in what a job that travels is told."""
PIECE = f"{GIVEN}piece-"
Piece = tuple[str, int, int]
"""The rows of an array's file from one up to another."""
UNNAMED = frozenset({f"{WORK}oracle"})
"""Folders whose files all travel."""
IDENTITY = re.compile("[0-9a-f]{12,}")
"""A cell's, or a digest: by these a job names files."""
Listing = dict[str, set[str]]
"""Identity -> the names of files that have it; under none those that have no identity."""
Changes = dict[str, bytes | None]
"""Where a file lies -> what is in it now; None where it is gone."""


def strings(value: Any, change: Callable[[str], str]) -> Any:
    """The same JSON value with its strings changed, but for keys."""
    if isinstance(value, Mapping):
        return {name: strings(part, change) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [strings(part, change) for part in value]
    return change(value) if isinstance(value, str) else value


def read_piece(piece: Piece) -> NDArray[Any]:
    """The rows of the array in a .npy file, mapped."""
    path, start, stop = piece
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array[start:stop]


class Packed:
    """What children are told, without this machine's paths, and the files that it names."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        self._work = Path(context["out"]).parent if "out" in context else None
        self._named: dict[str, Path] = {}
        self._folders: dict[str, Listing | None] = {}
        self._digests: dict[tuple[Path, int, int], str] = {}
        given = dict(context)
        given.pop("cache", None)
        self._pieces: dict[str, dict[str, Piece]] = given.pop("pieces", {})
        self.context: dict[str, Any] = strings(given, self._pack)
        if self._pieces:
            self.context["pieces"] = {
                cell: {name: (_piece(cell, name), 0, stop - start)
                       for name, (_, start, stop) in pieces.items()}
                for cell, pieces in self._pieces.items()
            }  # fmt: skip
        self._identities = set(IDENTITY.findall(json.dumps(self.context)))

    def _pack(self, text: str) -> str:
        path = Path(text)
        if not path.is_absolute():
            return text
        if self._work and path.is_relative_to(self._work):
            name = WORK + str(path.relative_to(self._work))
            if not path.suffix:
                self._folders.setdefault(name)
        elif path.is_file():
            name = f"{GIVEN}{self.digest(path)}{path.suffix}"
        else:
            return text  # a folder of data sets: every machine has its own
        self._named[name] = path
        return name

    def files(self, cells: Iterable[Cell]) -> dict[str, Path]:
        """Of a job: where files are to lie, and where they are here."""
        found = {name: path for name, path in self._named.items() if path.is_file()}
        known = self._identities | {cell.cell_id for cell in cells}
        for folder in self._folders:
            listing = self._listing(folder)
            every = set().union(*listing.values()) if folder in UNNAMED else set()
            names = every.union(*(listing.get(identity, ()) for identity in known))
            paths = {f"{folder}/{name}": self.here(folder) / name for name in sorted(names)}
            found |= {name: path for name, path in paths.items() if path.is_file()}
        return found

    def _listing(self, folder: str) -> Listing:
        """The names in a folder by the identities in them. Read once: there may be thousands."""
        listing = self._folders[folder]
        if listing is None:
            listing, place = {}, self.here(folder)
            for path in place.iterdir() if place.is_dir() else ():
                _list(listing, path.name)
            self._folders[folder] = listing
        return listing

    def pieces(self, cells: Iterable[Cell]) -> Iterator[tuple[str, bytes]]:
        """Of a job: where pieces are to lie, and what is in them, one at a time."""
        for cell in cells:
            for name, piece in self._pieces.get(cell.cell_id, {}).items():
                stream = io.BytesIO()
                np.save(stream, np.ascontiguousarray(read_piece(piece)))
                yield _piece(cell.cell_id, name), stream.getvalue()

    def bytes(self, cell: Cell) -> int:
        """Of the pieces of a cell."""
        return sum(
            read_piece(piece).nbytes for piece in self._pieces.get(cell.cell_id, {}).values()
        )

    def here(self, name: str) -> Path:
        """Where a file of `work/` lies on this machine."""
        assert self._work and name.startswith(WORK) and ".." not in Path(name).parts
        return self._work / name.removeprefix(WORK)

    def digest(self, path: Path) -> str:
        """The SHA-256 of a file, read once while it stays as it is."""
        about = path.stat()
        key = path, about.st_mtime_ns, about.st_size
        if key not in self._digests:
            with path.open("rb") as stream:
                self._digests[key] = hashlib.file_digest(stream, "sha256").hexdigest()
        return self._digests[key]

    def take(self, changes: Changes) -> None:
        """Put what a job has made in its place here. Raises BadInput where there is no room."""
        for name, content in changes.items():
            path = self.here(name)
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(path, content)
                folder, _, own = name.rpartition("/")
                if (listing := self._folders.get(folder)) is not None:
                    _list(listing, own)


def _list(listing: Listing, name: str) -> None:
    if not name.startswith("."):
        for identity in IDENTITY.findall(name) or [""]:
            listing.setdefault(identity, set()).add(name)


def _piece(cell: str, name: str) -> str:
    return f"{PIECE}{cell}-{name}.npy"


class Unpacked:
    """A job's folder on the machine that runs it. `kept` has files by digest, for later jobs too.

    `files` says where each is to lie, with its digest, and `fetch` gives what is in the file of a
    digest.
    """

    def __init__(
        self,
        folder: Path,
        kept: Path,
        context: Mapping[str, Any],
        files: Mapping[str, str],
        fetch: Callable[[str], Any],
    ) -> None:
        self._folder = folder
        kept.mkdir(parents=True, exist_ok=True)
        for name, digest in files.items():
            if name.startswith(PIECE):
                self._place(GIVEN).mkdir(exist_ok=True)
                self._place(name).write_bytes(fetch(digest))
                continue
            stored = kept / digest
            if not stored.exists():
                young = kept / f".{digest}-{os.getpid()}"
                young.write_bytes(fetch(digest))
                young.rename(stored)
            path = self._place(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.hardlink_to(stored)
        for name in (WORK, GIVEN):
            self._place(name).mkdir(exist_ok=True)
        self.context: dict[str, Any] = strings(context, self._unpack)
        if "out" in self.context:
            Path(self.context["out"]).mkdir(exist_ok=True)
        self._known = self._look()

    def _place(self, name: str) -> Path:
        return self._folder / name.removeprefix("@")

    def _unpack(self, text: str) -> str:
        return str(self._place(text)) if text.startswith((WORK, GIVEN)) else text

    def _look(self) -> dict[str, tuple[int, int, int]]:
        found = {}
        for path in self._place(WORK).rglob("*"):
            with suppress(FileNotFoundError):  # renamed meanwhile
                if path.is_file() and not path.name.startswith("."):
                    about = path.stat()
                    name = f"@{path.relative_to(self._folder)}"
                    found[name] = about.st_ino, about.st_mtime_ns, about.st_size
        return found

    def changes(self) -> Changes:
        """What has been made, changed or removed since this was asked last."""
        now, before = self._look(), self._known
        made: Changes = dict.fromkeys(before.keys() - now.keys())
        for name, about in now.items():
            if before.get(name) != about:
                try:
                    made[name] = self._place(name).read_bytes()
                except FileNotFoundError:
                    made[name] = None
        self._known = now
        return made
