"""The stages of the job, one a file or a folder; `bench/subject/stages.py` says what makes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from bench.record.cell import Cell
from bench.record.runs import Row, Run
from bench.subject.networks import Network
from bench.subject.request import Request
from implementations.architecture.graph import Architecture


class Job(Protocol):
    """What a stage's `run(job)` is given: what was asked, and what runs its cells in children."""

    request: Request
    networks: Sequence[Network]
    run: Run
    context: dict[str, Any]
    """What every child is told beside its cells."""
    out: Path
    """Where children leave their files."""

    def execute(
        self,
        title: str,
        cells: Sequence[Cell],
        module: str = "",
        *,
        context: Mapping[str, Any] | None = None,
        at_once: int = 0,
        rounds: int = 1,
        isolate: bool = False,
    ) -> list[Row]:
        """Run cells in children; the rows of all. `module` has their `measure` or `serve`."""

    def answer(self, cells: Sequence[Cell]) -> None:
        """Have the oracle's answers for cells computed, once for all columns."""

    def architecture(self, dataset: str, name: str) -> Architecture:
        """An architecture at the shape of a data set."""
