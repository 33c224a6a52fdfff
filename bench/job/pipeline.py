"""A job run to its end: stage after stage over its networks."""

from __future__ import annotations

from pathlib import Path

from bench.record.runs import Row
from bench.stages import Job
from bench.subject import stages
from implementations.architecture import pretrained


class Pipeline(Job):
    """Runs stages over networks: what was asked, the run it goes into, what children are told."""

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
