"""A stage whose rows say where and when they were made."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.record.cell import Cell


def here(cells: Sequence[Cell], context: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**context, "peak": len(cells)}


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    began = time.time()
    time.sleep(0.3)
    cores = os.environ["CAMPARISON_CORES"].count(",") + 1
    yield {"n_images": cores, "value": began, "max_abs": time.time(), "max_rel": context["peak"],
           "notes": f"cache {context.get('cache', '')}"}  # fmt: skip
