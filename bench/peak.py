"""The machine's measured peak: what the best matrix product reaches, to hold times against.

Measured in a process of its own before anything is timed, through NumPy's BLAS with every core the
cells may use: no framework is asked to be the judge of itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

SIZE = 1536
ROUNDS = 12
ROOT = Path(__file__).resolve().parent.parent


@cache
def measure(threads: int = 0) -> dict[str, float]:
    """Operations a second of square matrix products on the CPU, by precision; all cores if 0."""
    cores = sorted(os.sched_getaffinity(0))[: threads or None]
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(len(cores)))}
    command = [sys.executable, "-m", "bench.peak", json.dumps(cores)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _products(cores: list[int]) -> dict[str, float]:
    import numpy as np

    os.sched_setaffinity(0, cores)
    found = {}
    for name in ("float32", "float64"):
        matrix = np.random.default_rng(0).random((SIZE, SIZE)).astype(name)
        out = np.empty_like(matrix)
        seconds = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            np.matmul(matrix, matrix, out=out)
            seconds.append(time.perf_counter() - began)
        found[name] = 2 * SIZE**3 / min(seconds)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_products(json.loads(sys.argv[1]))))
