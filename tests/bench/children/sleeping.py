"""A stage whose cells take a moment, and give rows that may be kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from bench.record.cell import Cell


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    time.sleep(1.5)
    yield {"n_images": cell.seed}
