"""The stages of the job, one a file or a folder; `bench/subject/stages.py` says what makes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.engine.engines import engine
from bench.engine.execute import execute, side_by_side
from bench.engine.run import Run
from bench.record.cell import Cell
from bench.record.runs import Row
from bench.subject.inputs import architecture_for
from bench.subject.networks import Network
from bench.subject.request import Request
from bench.truth import answers
from implementations.architecture.graph import Architecture


class Job:
    """What a stage's `run(job)` is given: what was asked, and what runs its cells in children.

    `context` is what every child is told beside its cells, `out` where children leave their files.
    """

    def __init__(self, stage: str, request: Request, networks: Sequence[Network]) -> None:
        self.request = request
        self.networks = networks
        self.engine = engine(request.engine, request.address, request.exclusive)
        self.context: dict[str, Any] = request.context()
        self.run = Run(stage, request.identity(), request.results)
        self.out = Path(self.context["out"])

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
        """Run cells of one stage in children, side by side unless so many `at_once`; all rows.

        `module` has their `measure` or `serve`: that of the name in `bench.stages` by default.
        """
        return execute(
            self.run, title, module or f"{__name__}.{title}", cells, context or self.context,
            rounds=rounds, isolate=isolate, timeout_s=self.request.timeout_s,
            at_once=at_once or side_by_side(), engine=self.engine,
        )  # fmt: skip

    def answer(self, cells: Sequence[Cell]) -> None:
        """Have the oracle's answers for cells computed, once for all columns."""
        self.execute("oracle", answers.cells_for(cells), answers.__name__, isolate=True)

    def architecture(self, dataset: str, name: str) -> Architecture:
        """An architecture at the shape of a data set."""
        return architecture_for(name, Path(self.context["images"][dataset]))
