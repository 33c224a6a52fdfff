"""`explain --engine ray`: shards made on other machines, or one file made of them."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cli import given, user_files
from bench.cli.options import Single
from bench.engine import scratch
from bench.engine.alone import PATIENCE_S
from bench.engine.child import Job
from bench.engine.engines import Engine
from bench.engine.progress import ticker
from bench.record.array_file import ArrayFile
from bench.record.cell import Cell
from bench.record.runs import Row
from bench.stages import explain as stage
from bench.stages import shards
from bench.subject.explainer import method_of
from implementations.architecture import pretrained, weights
from implementations.errors import BadInput

MODULE = "bench.cli.sharded"
LEAST, MOST = 64, 256
"""Images of a shard at least, and shards at the most, where none are asked for."""
BYTES = 1 << 26
"""Of the images of a shard at the most, where none are asked for."""


class _Broke(Exception):
    """A shard cannot be made: `row` says why."""

    def __init__(self, row: Row) -> None:
        super().__init__(row["reason"])
        self.row = row


def check(asked: Single) -> None:
    """Raises BadInput for what is of this machine alone."""
    of_here = {"picture": asked.picture, "expect": asked.expect, "baselines": asked.baselines}
    for option, there in of_here.items():
        if there:
            raise BadInput(f"--{option} is of the local engine; leave --engine {asked.engine} out")


def explained(asked: Single, cell: Cell, subject: given.Given, engine: Engine) -> Row:
    """A row that says how it went; the shards that are made are in the folder anyhow."""
    n = len(subject.images)
    with (
        tempfile.TemporaryDirectory(dir=scratch.folder()) as held,
        _folder(asked) as folder,
    ):
        images, targets = _arrays(asked, subject, Path(held))

        def look(start: int, stop: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
            aims = None if targets is None else np.load(targets, mmap_mode="r")[start:stop]
            return subject.images[start:stop], aims

        method = method_of(cell)
        tensors = pretrained.neutral(Path(subject.context["weights"]), subject.architecture)
        layer = method.layer(subject.architecture, cell.layer or None)
        stages = asked.save == "stages"
        of = stage.of_shards(cell, layer, tensors, stages, asked.normalise)
        index = shards.Index(folder, n, asked.shards or _unasked(subject), of, look)
        each = {replace(cell, task=f"shard {shard.file}"): shard for shard in index.missing}
        told = {
            **subject.context, "out": str(folder.resolve()), "stages": stages, "n": n,
            "normalise": asked.normalise, "cell": asdict(cell), "images": "",
            "shards": {one.cell_id: tuple(shard) for one, shard in each.items()},
            "pieces": {one.cell_id: _pieces(images, targets, shard) for one, shard in each.items()},
        }  # fmt: skip
        log = Path(held) / "log"
        with ticker("explain", len(each)) as progress:

            def finished(one: Cell, _: int, rows: list[Row]) -> None:
                if rows[-1]["status"] != "ok":
                    raise _Broke(rows[-1])
                index.add(rows[-1]["shard"])
                progress.tick(f"heatmaps of images up to {each[one].stop} of {n}")

            try:
                engine.run(
                    [Job(MODULE, tuple(each), told)] if each else [], finished, at_once=1,
                    timeout_s=PATIENCE_S, log=log, say=progress.say,
                )  # fmt: skip
            except _Broke as error:
                said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
                return {**error.row, "said": said}
            index.close()
            if not asked.shards:
                _put_together(asked.out, folder, index.shards, stage.of(cell, layer))
            progress.say(f"heatmaps of {n} images are in {asked.out}")
    return {"status": "ok", "expected": None}


@contextmanager
def _folder(asked: Single) -> Iterator[Path]:
    """Where the shards are made: beside one file, on its disk; of these nothing stays."""
    if asked.shards:
        yield asked.out
        return
    with (
        weights.writing(asked.out),
        tempfile.TemporaryDirectory(
            dir=asked.out.parent, prefix=f".{asked.out.name}.", suffix=".tmp"
        ) as folder,
    ):
        yield Path(folder)


def _arrays(asked: Single, subject: given.Given, folder: Path) -> tuple[str, str | None]:
    """The files of images (N, H, W, C) and of targets, as arrays that can be mapped."""
    images = str(subject.context["images"])
    try:
        mapped = np.load(images, mmap_mode="r", allow_pickle=False)
        as_is = isinstance(mapped, np.ndarray) and mapped.ndim == 4
    except ValueError:
        as_is = False
    if not as_is:
        images = str(folder / "images.npy")
        np.save(images, subject.images[:])
    if not asked.targets:
        return images, None
    read = user_files.read_array(Path(asked.targets), "targets")
    np.save(folder / "targets.npy", read.astype(np.int32))
    return images, str(folder / "targets.npy")


def _pieces(images: str, targets: str | None, shard: shards.Shard) -> dict[str, Any]:
    named = {"images": images, **({"targets": targets} if targets else {})}
    return {name: (path, shard.start, shard.stop) for name, path in named.items()}


def _unasked(subject: given.Given) -> int:
    """How many shards one file is made of."""
    n = len(subject.images)
    by_size = math.ceil(n * math.prod(subject.images.shape[1:]) * 4 / BYTES)
    return max(min(math.ceil(n / LEAST), MOST), by_size)


def _put_together(
    out: Path, folder: Path, parts: Sequence[shards.Shard], about: dict[str, str]
) -> None:
    file: ArrayFile | None = None
    try:
        for part in parts:
            arrays = weights.load(folder / part.file)
            file = file or ArrayFile(out, parts[-1].stop, arrays, about)
            file.write(part.start, arrays)
    except BaseException:
        if file:
            file.discard()
        raise
    if file:
        file.close()
