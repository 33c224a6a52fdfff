"""The maps of cascading randomisation that a picture shows: of a few images, at every step.

Each cell of ours leaves its own in a file; `gather` brings them into one, beside the run:
`<dataset>/<architecture>/cascade@images` (n, H, W, C), `.../cascade@targets` (n,),
`.../cascade@layers`, JSON as bytes: the names of the layers from the logits down, and how many are
drawn anew at each step; and of each method `.../cascade@<method>` (steps, n, H, W), with
`.../cascade@<method>@spearman` and `...@ssim` (steps, n): the likeness to the first step's map.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Case
from bench.record.cell import Cell
from bench.stages.gallery import network_of
from bench.subject.inputs import INITIAL, subject
from bench.subject.redrawn import Redrawn
from implementations.architecture import weights

IMAGES = 3
MEASURED = {"spearman": "cascading_magnitude", "ssim": "cascading_ssim"}
"""What is told of each map -> the curve it is of."""


def _file(cell: Cell, context: Mapping[str, Any]) -> Path:
    return Path(context["out"]) / f"cascade-{cell.cell_id}.safetensors"


def leave(cell: Cell, case: Case, redrawn: Redrawn, context: Mapping[str, Any]) -> None:
    """Keep what was explained of the first images, the first draw of each step; of ours alone."""
    if cell.library or cell.weights == INITIAL or not redrawn.seen:
        return
    few = min(IMAGES, len(case.maps))
    counts = sorted(redrawn.seen)
    maps = [case.maps[:few], *(redrawn.seen[count][:few] for count in counts)]
    told = json.dumps({"names": redrawn.names, "counts": [0, *counts]})
    arrays = {"maps": np.stack(maps).astype(np.float32), "targets": case.targets[:few],
              "layers": np.frombuffer(told.encode(), np.uint8)}  # fmt: skip
    for name, curve in MEASURED.items():
        arrays[name] = case.curves[curve].values[:few].T
    weights.save(_file(cell, context), arrays)


def gather(cells: Iterable[Cell], context: Mapping[str, Any], target: Path) -> None:
    """Add what the cells left to a run's file; columns agree, so the first of each stands."""
    arrays: dict[str, NDArray[Any]] = {}
    for cell in cells:
        head = f"{network_of(cell)}/cascade@"
        path = _file(cell, context)
        if f"{head}{cell.method}" in arrays or not path.exists():
            continue
        found = weights.load(path)
        about = subject(cell, context, len(found["targets"]))
        arrays |= {
            f"{head}images": about.images, f"{head}targets": found["targets"],
            f"{head}layers": found["layers"], f"{head}{cell.method}": found["maps"],
            **{f"{head}{cell.method}@{name}": found[name] for name in MEASURED},
        }  # fmt: skip
    if arrays:
        target.parent.mkdir(parents=True, exist_ok=True)
        weights.save(target, arrays)
