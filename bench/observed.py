"""What the machine did while something was timed: cores, load, other work, memory."""

from __future__ import annotations

import time
from typing import Any, Self

import psutil

from bench import memory
from bench.cells import Cell
from bench.energy import Meter
from bench.worker import Row

ARRAYS = {
    "jax": "jax", "pytorch": "torch", "keras[jax]": "jax", "keras[torch]": "torch",
    "keras[tensorflow]": "tensorflow",
}  # fmt: skip
"""Whose arrays a column computes with, and so whose counter tells of the GPU's memory."""
QUIET = 0.25
"""Cores that other processes may use while a stable time is taken."""


class Observed:
    """A context: what happens inside it becomes the columns of `row` when it ends.

    `joules` are those of all that happened; None where the machine does not tell.
    """

    def __init__(self, cell: Cell) -> None:
        self.library = ARRAYS.get(cell.column.label, "") if cell.device == "gpu" else ""
        self.process = psutil.Process()
        self.row: Row = {}
        self.joules: float | None = None

    def __enter__(self) -> Self:
        self.load = psutil.getloadavg()[0]
        self.held = memory.reset_peak()
        if self.library:
            memory.reset_device_peak(self.library)
        self.meter = Meter(gpu=bool(self.library))
        self.cpu, self.busy, self.began = self._cpu(), _busy(), time.perf_counter()
        return self

    def __exit__(self, *exception: Any) -> None:
        wall = time.perf_counter() - self.began
        cpu = self._cpu() - self.cpu
        self.joules = self.meter.joules()
        peak = memory.peak()
        others = max((_busy() - self.busy - cpu) / wall, 0.0)
        self.row = {
            "memory_mb": peak - self.held if peak and self.held else None,
            "peak_device_mb": memory.device_peak(self.library) if self.library else None,
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
