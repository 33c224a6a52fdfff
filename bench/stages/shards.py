"""Heatmaps in several files and an index, for more images than one wants to explain twice.

The folder has `shard-00000.safetensors` and so on, and `index.json`: what they are of, and of each
its images, from `start` up to `stop`, and a digest of these with their targets. The index is
written anew as shards end, so a killed command goes on from there; a shard whose images are others
is made anew. Where shards are many and short it waits for more of them, as it is written whole: it
has a twentieth of the time at the most.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.record.array_file import write_bytes
from implementations.errors import BadInput
from implementations.files import MOST_JSON, read_plain

INDEX = "index.json"
Row = dict[str, Any]
WAITS = 19
"""Times as long as the index took to write, before it is written again."""
LOOKED_AT = 1024
"""Images that are looked at at once where a shard is there already."""


class Seen:
    """A digest of images and targets, in whatever batches they are seen."""

    def __init__(self) -> None:
        self._images, self._targets = hashlib.sha256(), hashlib.sha256()

    def __call__(self, images: NDArray[Any], targets: NDArray[Any] | None) -> None:
        """See a batch."""
        self._images.update(np.ascontiguousarray(images).data)
        if targets is not None:
            self._targets.update(np.ascontiguousarray(targets, np.int64).data)

    @property
    def digest(self) -> str:
        """Of all that has been seen."""
        both = self._images.digest() + self._targets.digest()
        return hashlib.sha256(both).hexdigest()


Look = Callable[[int, int], tuple[NDArray[Any], NDArray[Any] | None]]
"""Images from one up to another, and their targets where they are given."""
Fill = Callable[[Path, int, int, Seen], None]
"""Writes a shard's file; lets each batch that it reads be seen."""


def bounds(n: int, shards: int) -> list[tuple[int, int]]:
    """From where to where each shard reaches, of `n` images; none is empty."""
    count = min(shards, n)
    ends = [n * each // count for each in range(count + 1)]
    return list(pairwise(ends))


def check(folder: Path) -> None:
    """Raises BadInput where a folder for shards has anything else, or cannot be made."""
    try:
        folder.mkdir(exist_ok=True)
        strays = [p for p in folder.iterdir() if not p.name.startswith(("shard-", INDEX, "."))]
    except OSError as error:
        raise BadInput(f"cannot write {folder}: {error.strerror}; name a folder") from error
    if strays:
        raise BadInput(f"{folder} has other files ({strays[0].name}); name a folder of their own")


class Shard(NamedTuple):
    """A file of the heatmaps of images from `start` up to `stop`."""

    file: str
    start: int
    stop: int


class Index:
    """The shards of a folder: those that are there, and `missing`, those still to be made.

    Raises BadInput where those there are of something else.
    """

    def __init__(
        self, folder: Path, n: int, shards: int, of: Mapping[str, Any], look: Look
    ) -> None:
        self._path = folder / INDEX
        for young in folder.glob(".*.tmp"):  # of a command that was killed
            young.unlink(missing_ok=True)
        index = _read(self._path)
        self._asked = {"images": n, "of": dict(of)}
        if index and {name: index[name] for name in self._asked} != self._asked:
            raise BadInput(f"{folder} has heatmaps of something else; name another folder")
        there = {entry["file"]: entry for entry in index["shards"]} if index else {}
        self.shards = [
            Shard(f"shard-{number:05}.safetensors", start, stop)
            for number, (start, stop) in enumerate(bounds(n, shards))
        ]
        self._entries: dict[str, Row] = {}
        self._due = 0.0
        for shard in self.shards:
            entry = there.get(shard.file, {})
            if shard._asdict().items() <= entry.items() and _same(folder, entry, look):
                self._entries[shard.file] = entry
        self.missing = [shard for shard in self.shards if shard.file not in self._entries]

    def add(self, entry: Row) -> None:
        """A shard has been made: `made` gives what is said of it."""
        self._entries[entry["file"]] = entry
        began = time.monotonic()
        if began < self._due and len(self._entries) < len(self.shards):
            return
        entries = sorted(self._entries.values(), key=lambda each: each["start"])
        text = json.dumps({**self._asked, "shards": entries}, indent=1)
        write_bytes(self._path, text.encode())
        ended = time.monotonic()
        self._due = ended + WAITS * (ended - began)

    def close(self) -> None:
        """All are there: those of another number of shards go."""
        for other in self._path.parent.glob("shard-*.safetensors"):
            if other.name not in self._entries:
                other.unlink()


def made(folder: Path, shard: Shard, fill: Fill) -> Row:
    """Make a shard's file; what the index says of it."""
    seen, path = Seen(), folder / shard.file
    fill(path, shard.start, shard.stop, seen)
    return {**shard._asdict(), "bytes": path.stat().st_size, "inputs_sha": seen.digest}


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        index: dict[str, Any] = json.loads(read_plain(path, MOST_JSON))
        for entry in index["shards"]:
            (entry["file"], entry["start"], entry["stop"], entry["bytes"], entry["inputs_sha"])
        return {"images": index["images"], "of": index["of"], "shards": index["shards"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is no index of shards; remove it") from error


def _same(folder: Path, entry: Mapping[str, Any], look: Look) -> bool:
    path = folder / str(entry["file"])
    if not path.is_file() or path.stat().st_size != entry["bytes"]:
        return False
    seen = Seen()
    for start in range(entry["start"], entry["stop"], LOOKED_AT):
        seen(*look(start, min(start + LOOKED_AT, entry["stop"])))
    return bool(seen.digest == entry["inputs_sha"])
