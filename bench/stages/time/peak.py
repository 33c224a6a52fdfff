"""The machine's measured peak: what the best matrix product reaches, to hold times against.

Measured before anything is timed, with every core the cells may use, by NumPy and each framework
that is here in a process of its own: the best counts, so that none is the judge of itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bench.engine import inherited
from bench.record.cell import Cell
from implementations import frameworks

SIZES = {1536: 12, 512: 100}
"""Sides of the matrices, and how often each is multiplied.

A small product lies between two other pieces of work of a busy machine, as a timed call does: a
large one never does, and would make the peak too low.
"""
PRECISIONS = ("float32", "float64")
ROOT = Path(__file__).resolve().parents[3]
Product = Callable[[Any], Callable[[], Any]]


@cache
def measure(threads: int = 0) -> dict[str, float]:
    """Operations a second of square matrix products on the CPU, by precision; all cores if 0."""
    cores = sorted(os.sched_getaffinity(0))[: threads or None]
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**inherited.passed(), **dict.fromkeys(names, str(len(cores)))}
    environment |= {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1"}
    best = dict.fromkeys(PRECISIONS, 0.0)
    for name in ("", *multiplying()):
        command = [sys.executable, "-m", "bench.stages.time.peak", name, json.dumps(cores)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        found: dict[str, float] = json.loads(done.stdout)
        best = {precision: max(best[precision], found[precision]) for precision in PRECISIONS}
    return best


def multiplying() -> dict[str, Product]:
    """What readies the product of a matrix with itself, by column; where some share it, by one."""
    here = [c for c in frameworks.columns() if c.missing is None]
    found: dict[Product, str] = {}
    for column in sorted(here, key=lambda column: len(column.label)):
        if product := column.traits.product:
            found.setdefault(product, column.label)
    return {label: product for product, label in found.items()}


def products(name: str, cores: list[int]) -> dict[str, float]:
    """What one column, or NumPy (empty), reaches in this process, confined to these cores."""
    os.sched_setaffinity(0, cores)
    import numpy as np

    found = {}
    for precision in PRECISIONS:
        reached = []
        for size, rounds in SIZES.items():
            matrix = np.random.default_rng(0).random((size, size)).astype(precision)
            product = (multiplying()[name] if name else in_numpy)(matrix)
            for _ in range(rounds):
                began = time.perf_counter()
                product()
                reached.append(2 * size**3 / (time.perf_counter() - began))
        found[precision] = max(reached)
    return found


def in_numpy(matrix: Any) -> Callable[[], Any]:
    """The product of a matrix with itself, by NumPy."""
    import numpy as np

    out = np.empty_like(matrix)
    return lambda: np.matmul(matrix, matrix, out=out)


def share(
    flops: float | None, seconds: float, cell: Cell, context: Mapping[str, Any]
) -> float | None:
    """Of the machine's measured peak; None where one of the two was not measured."""
    peak = context.get("peak", {}).get(cell.precision) if cell.device == "cpu" else None
    return flops / seconds / peak if flops and peak else None


if __name__ == "__main__":
    sys.stdout.write(json.dumps(products(sys.argv[1], json.loads(sys.argv[2]))))
