"""Milliseconds and compile seconds: agree, then clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.engine import compile_caches
from bench.record.cell import Cell
from bench.record.runs import Row
from bench.stages import Job
from bench.stages.time import matrix, peak, timed, timing
from bench.subject.inputs import shared_weights
from bench.subject.networks import once
from implementations.errors import BadInput

MAIN = 3
TIMED = True
EXAMPLES = (
    "time --dataset digits --architectures cnn-32-16-8 --rounds 5",
    "time --grid full --frameworks jax pytorch",
)
BASE = "cnn-48-32-16"
"""The architecture around which the grid of times is laid, where it is among those asked for."""


def run(job: Job) -> list[Row]:
    """Fresh, interleaved processes, one at a time: nothing else runs on the machine.

    Rounds after the first start with what the first has compiled, unless all are to be cold.
    In the main job in the first precision alone.
    """
    request = job.request
    main = request.command == "compare"
    cells = grid(job, request.precisions[:1] if main else request.precisions)
    job.answer([timed.our_cell(cell) for cell in cells])
    job.run.head["peak"] = peaks = peak.measure(request.threads)
    base = {"dataset": cells[0].dataset, "architecture": cells[0].architecture}
    laid = {"name": request.grid, "base": {**base, "batch": request.batch}}
    context = {**job.context, "peak": peaks, "grid": laid}
    with compile_caches.kept() as kept:
        cache = {} if request.cold else {"cache": str(kept)}
        return job.execute(
            "timing", cells, timing.__name__, context={**context, **cache}, at_once=1,
            rounds=request.rounds, isolate=request.isolate,
        )  # fmt: skip


def grid(job: Job, precisions: Sequence[str]) -> list[Cell]:
    """The grid around each precision. Raises BadInput where it is empty."""
    request = job.request
    quick = request.grid == "quick"
    pairs = (once(job.networks) if quick else []) or [(d, a) for d, a, _ in job.networks]
    pairs.sort(key=lambda pair: pair[1] != BASE)
    networks = [
        (dataset, job.architecture(dataset, name), _weights(job, dataset, name))
        for dataset, name in pairs
    ]
    matrix.check_batch(request.batch, networks)
    bases = [replace(request, precisions=(precision,)) for precision in precisions]
    cells = list(dict.fromkeys(cell for base in bases for cell in matrix.cells(base, networks)))
    if not cells:
        asked = ", ".join(column.label for column in request.columns)
        modes = ", ".join(request.modes)
        raise BadInput(f"nothing to time: {asked} has no {modes} mode; ask for other --modes")
    return cells


def _weights(job: Job, dataset: str, name: str) -> str:
    there = shared_weights(dataset, name, job.request.results).exists()
    return "trained" if there else "random"
