"""A child's side of `explain` on other machines: the network built once, then shards made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cli import user_files
from bench.cli.explained import REFUSED, seldom
from bench.engine.travel import read_piece
from bench.engine.worker import Reporter, Row
from bench.record.cell import Cell, from_document
from bench.stages import explain as stage
from bench.stages import shards
from implementations.architecture import pretrained, registered
from implementations.errors import BadInput

BARE = True
"""Its process needs a framework and nothing else (`bench/engine/worker.py`)."""


@dataclass
class Part:
    """Images from `start` on, numbered as those of the whole, which has `shape`."""

    held: user_files.UserImages
    start: int
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        return self.held[part.start - self.start : part.stop - self.start]


@dataclass(frozen=True)
class Aims:
    """Targets from `start` on, numbered as those of the whole."""

    held: NDArray[np.int32]
    start: int

    def __getitem__(self, part: slice) -> NDArray[np.int32]:
        return self.held[part.start - self.start : part.stop - self.start]


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    """The child's entry: a cell a shard, of which `context["shards"]` has file, start and stop."""
    tell = seldom(report)

    @cache
    def stream() -> stage.Stream:
        return _stream(context, tell)

    for cell in cells:
        report.run(cell, lambda cell=cell: _rows(cell, context, stream))  # type: ignore[misc]


def _stream(context: Mapping[str, Any], tell: Callable[[str], None]) -> stage.Stream:
    cell = from_document(context["cell"])
    height, width, channels = context["size"]
    architecture = registered.get(cell.architecture, (height, width, channels), context["classes"])
    tensors = pretrained.neutral(Path(context["weights"]), architecture)
    nothing = user_files.UserImages(np.empty((0, *context["size"]), np.float32))
    asked = stage.Explanation(
        Part(nothing, 0, (context["n"], *context["size"])), None, Path(context["out"]),
        context["stages"], cell.batch, context["normalise"],
    )  # fmt: skip
    return stage.Stream(cell, architecture, tensors, asked, tell)


def _rows(
    cell: Cell, context: Mapping[str, Any], stream: Callable[[], stage.Stream]
) -> Iterator[Row]:
    shard = shards.Shard(*context["shards"][cell.cell_id])
    pieces = context["pieces"][cell.cell_id]
    images = user_files.UserImages(read_piece(pieces["images"]))
    aims = read_piece(pieces["targets"]).astype(np.int32) if "targets" in pieces else None
    try:
        made = stream().of(
            Part(images, shard.start, (context["n"], *images.shape[1:])),
            None if aims is None else Aims(aims, shard.start),
        )
        yield {"shard": shards.made(Path(context["out"]), shard, made.fill)}
    except BadInput as error:
        yield {"status": REFUSED, "reason": str(error)}
