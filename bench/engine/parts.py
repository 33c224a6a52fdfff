"""Jobs in the parts that machines are given, one process each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.engine.child import Job
from bench.engine.travel import Packed
from bench.record.cell import Cell

PARTS = 3
"""Parts a core into which jobs of many cells are cut: one that ends early takes another."""
PIECES = 1 << 26
"""Bytes of pieces of arrays that a part takes along, of one cell at least."""


@dataclass
class Part:
    """Part of a job; `left` are the cells that have no rows yet, whoever is at them.

    `held` are its pieces of arrays in the store, by digest: they go with it.
    """

    job: Job
    packed: Packed
    left: dict[str, Cell]
    lost: int = 0
    streams: list[Any] = field(default_factory=list)
    held: dict[str, Any] = field(default_factory=dict)
    began: float = 0.0


def cut(jobs: Sequence[Job], cores: int) -> Iterator[Part]:
    """Parts of equally many cells, for so many cores."""
    packed: dict[int, Packed] = {}
    for job in jobs:
        if id(job.context) not in packed:
            packed[id(job.context)] = Packed(job.context)
    total = sum(len(job.cells) for job in jobs)
    size = math.ceil(total / (PARTS * cores))
    for job in jobs:
        mine = packed[id(job.context)]
        cells, weight = dict[str, Cell](), 0
        for cell in job.cells:
            more = mine.bytes(cell)
            if cells and (len(cells) == size or weight + more > PIECES):
                yield Part(job, mine, cells)
                cells, weight = {}, 0
            cells[cell.cell_id] = cell
            weight += more
        if cells:
            yield Part(job, mine, cells)
