"""A stage whose cells take a moment, and give rows that may be kept, and a file where asked to."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.record.cell import Cell
from implementations.architecture import weights


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    marker = Path(context.get("slow_once", ""))
    slow = cell.seed == 0 and "slow_once" in context and not marker.exists()
    if slow:
        marker.touch()
    time.sleep(300 if slow else context.get("seconds", 1.5))
    if "out" in context:
        array = np.full(context.get("size", 1), cell.seed, np.float32)
        weights.save(Path(context["out"]) / f"{cell.seed}.safetensors", {"array": array})
    yield {"n_images": cell.seed}
