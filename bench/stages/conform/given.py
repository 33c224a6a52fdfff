"""What a cell is of: the probes, or a network of a user's that is small enough to stand for one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.record.cell import Cell
from bench.record.runs import digest
from bench.subject.request import Request
from bench.truth import probes
from implementations.architecture import registered, shapes, weights
from implementations.errors import BadInput

PROBES = "probes"
"""What stands for the data set and the network of cells of the probes; a row says which probe."""
WEIGHTS = "given_weights"
"""The entry of the context that has the users' networks, and where their weights lie."""
MOST = 100_000_000
"""Operations of one image's forward pass: a run is of six, on the oracle too."""


def cell(request: Request, framework: str, backend: str, network: str = "") -> Cell:
    """A cell of the probes, or of a user's network by the name that it is known by."""
    path = registered.own_weights(network) if network else None
    return Cell(
        stage="conform", framework=framework, backend=backend, dataset=PROBES,
        architecture=network or PROBES, weights=digest(path)[:12] if path else PROBES,
        threads=request.threads,
    )  # fmt: skip


def context(request: Request) -> dict[str, Any]:
    """What children are told of users' networks. Raises BadInput for one that is too large."""
    found = {}
    for name in request.architectures:
        count = shapes.operations(registered.get(name))
        if count > MOST:
            raise BadInput(
                f"--network {Path(registered.typed(name)).parent}: {count:.2g} operations an "
                f"image; `conform` takes up to {MOST:.0e}: one with fewer layers or a smaller image"
            )
        found[name] = str(registered.own_weights(name))
    return {WEIGHTS: found}


def taken(cell: Cell, context: Mapping[str, Any]) -> str:
    """The network of a cell, taken for a probe; empty where the cell is of the probes."""
    if cell.architecture == PROBES:
        return ""
    tensors = weights.load(Path(context[WEIGHTS][cell.architecture]))
    probes.take(cell.architecture, registered.get(cell.architecture), tensors)
    return cell.architecture
