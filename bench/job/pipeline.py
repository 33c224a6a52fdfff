"""A job: what was asked, the run it goes into, and stage after stage over its networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.engine.execute import execute, side_by_side
from bench.record.cell import Cell
from bench.record.runs import Row, Run
from bench.subject import stages
from bench.subject.inputs import architecture_for
from bench.subject.networks import Network
from bench.subject.request import Request
from bench.truth import answers
from implementations.architecture import pretrained
from implementations.architecture.graph import Architecture


class Pipeline:
    """Runs stages over networks: what was asked, the run it goes into, what children are told."""

    def __init__(self, stage: str, request: Request, networks: Sequence[Network]) -> None:
        self.request = request
        self.networks = networks
        self.context: dict[str, Any] = request.context()
        self.run = Run(stage, request.identity(), request.results)
        self.out = Path(self.context["out"])

    def check_weights(self) -> None:
        """Raises BadInput for weights that are there and not of their network, before the work.

        Not where they are trained anew.
        """
        trains = self.request.command == "compare" and "train" in self.request.stages
        for dataset, name, trainer in self.networks:
            path = Path(self.context["weights"][f"{dataset}/{name}/trained"])
            if path.exists() and (trainer == "given" or not trains):
                pretrained.neutral(path, self.architecture(dataset, name))

    def stage(self, name: str) -> list[Row]:
        """Run a stage: its own `run(job)`, or its cells in children and then its `gather`."""
        module = stages.load(name)
        if hasattr(module, "run"):
            rows: list[Row] = module.run(self)
            return rows
        rows = self.execute(name, list(module.cells(self.request, self.networks)), module.__name__)
        if hasattr(module, "gather"):
            module.gather(self.run)
        return rows

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
        """Run cells of one stage in children, side by side unless so many `at_once`.

        `module` has their `measure` or `serve`: that of the name in `bench.stages` by default.
        """
        return execute(
            self.run, title, module or f"bench.stages.{title}", cells, context or self.context,
            rounds=rounds, isolate=isolate, timeout_s=self.request.timeout_s,
            at_once=at_once or side_by_side(),
        )  # fmt: skip

    def answer(self, cells: Sequence[Cell]) -> None:
        """Have the oracle's answers for cells computed, once for all columns."""
        self.execute("oracle", answers.cells_for(cells), answers.__name__, isolate=True)

    def architecture(self, dataset: str, name: str) -> Architecture:
        """An architecture at the shape of a data set."""
        return architecture_for(name, Path(self.context["images"][dataset]))
