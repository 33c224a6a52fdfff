"""A stage of the plainest form: its cells, the rows of one, and what is left to do at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.engine.run import Run
from bench.record.cell import Cell
from bench.subject.networks import Network
from bench.subject.request import Request


def cells(request: Request, networks: Sequence[Network]) -> Iterator[Cell]:
    for dataset, architecture, _ in networks:
        yield Cell(stage="count", framework="reference", dataset=dataset, architecture=architecture)


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"n_images": context["n_images"]}


def gather(run: Run) -> None:
    run.head["counted"] = sum(row["n_images"] for row in run.rows)
