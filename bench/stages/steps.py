"""The first steps of trainings, in every column: the losses must agree."""

from __future__ import annotations

from bench.record.cell import Cell
from bench.record.runs import Row
from bench.stages import Job, train
from bench.subject.networks import once

MAIN = 1
EXAMPLES = ("steps --dataset digits --architectures cnn-32-16-8",)


def run(job: Job) -> list[Row]:
    """A few steps with one Adam."""
    return job.execute("train", first(job), train.__name__, isolate=job.request.seeds > 1)


def first(job: Job) -> list[Cell]:
    """The steps that are compared.

    With several seeds more of them, and each framework's own Adam and plain SGD beside it.
    Only of networks without dropout, which cannot be made equal across frameworks, and of each
    architecture on its first data set.
    """
    several = job.request.seeds > 1
    steps = train.COMPARED_STEPS * (5 if several else 1)
    optimizers = ("matched", "native", "sgd") if several else ("matched",)
    cells: list[Cell] = []
    for dataset, name in once(job.networks):
        if "dropout" not in {node.kind for node in job.architecture(dataset, name).nodes}:
            cells += train.cells(job.request, dataset, name, optimizers, steps=steps)
    return cells
