"""What the machine did while something was timed: cores, load, other work, energy."""

from __future__ import annotations

import time
from typing import Any, Self

import psutil

from bench.cells import Cell
from bench.energy import Meter
from bench.worker import Row

QUIET = 0.25
"""Cores that other processes may use while a stable time is taken."""


class Observed:
    """A context: what happens inside it becomes the columns of `row` when it ends.

    `joules` are those of all that happened; None where the machine does not tell.
    """

    def __init__(self, cell: Cell) -> None:
        self.gpu = cell.device == "gpu"
        self.process = psutil.Process()
        self.row: Row = {}
        self.joules: float | None = None

    def __enter__(self) -> Self:
        self.load = psutil.getloadavg()[0]
        self.meter = Meter(gpu=self.gpu)
        self.cpu, self.busy, self.began = self._cpu(), _busy(), time.perf_counter()
        return self

    def __exit__(self, *exception: Any) -> None:
        wall = time.perf_counter() - self.began
        cpu = self._cpu() - self.cpu
        self.joules = self.meter.joules()
        others = max((_busy() - self.busy - cpu) / wall, 0.0)
        self.row = {
            "cores_in_use": cpu / wall,
            "load_before": self.load,
            "load_after": psutil.getloadavg()[0],
            "busy_others": others,
            "cpu_mhz": getattr(psutil.cpu_freq(), "current", None),
            "stable": others < QUIET,
        }

    def _cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


def _busy() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system)
