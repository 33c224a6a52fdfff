"""The child's side of `prototype`: the network is built, and the pictures are grown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.engine.worker import Reporter, Row
from bench.record.cell import Cell
from bench.subject.prototypes import grow
from implementations.architecture import pretrained, registered, weights
from implementations.errors import BadInput

BARE = True
"""Its process needs a framework and nothing else (`bench/engine/worker.py`)."""
REFUSED = "refused"
"""The status of what turns out to be bad input only when it is computed with."""


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    """The child's entry."""
    (cell,) = cells
    report.run(cell, lambda: _rows(cell, context, report))


def _rows(cell: Cell, context: Mapping[str, Any], report: Reporter) -> Iterator[Row]:
    height, width, channels = context["size"]
    architecture = registered.get(cell.architecture, (height, width, channels), context["classes"])
    tensors = pretrained.neutral(Path(context["weights"]), architecture)
    given = np.load(context["given"])
    try:
        arrays = grow(
            cell, architecture, tensors, given["starts"], given["targets"], given["means"],
            lambda text: report.send("progress", text=text),
        )  # fmt: skip
    except BadInput as error:
        yield {"status": REFUSED, "reason": str(error)}
        return
    weights.save(Path(context["out"]), arrays)
    yield {}
