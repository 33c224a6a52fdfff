"""What the machine did while something was timed: cores, memory, load, other work."""

from __future__ import annotations

import resource
import time
from typing import Any, Self

import psutil

from bench.engine.worker import Row

QUIET = 0.25
"""Cores that other processes may use while a stable time is taken."""


WORK = ("user", "nice", "system", "irq", "softirq", "steal")


class Observed:
    """A context, entered as often as there is something to time; what it tells is of all."""

    def __init__(self) -> None:
        self.loads: list[float] = []
        self.wall = self.cpu = self.busy = 0.0
        self.faults = 0

    def __enter__(self) -> Self:
        self.loads.append(psutil.getloadavg()[0])
        self._since = _busy(), _faults(), time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *exception: Any) -> None:
        busy, faults, cpu, began = self._since
        self.wall += time.perf_counter() - began
        self.cpu += time.process_time() - cpu
        self.busy += _busy() - busy
        self.faults += _faults() - faults
        self.loads.append(psutil.getloadavg()[0])

    @property
    def row(self) -> Row:
        """The columns that tell what the machine did."""
        others = max((self.busy - self.cpu) / self.wall, 0.0)
        return {
            "cores_in_use": self.cpu / self.wall,
            "load_before": self.loads[0],
            "load_after": self.loads[-1],
            "busy_others": others,
            "cpu_mhz": getattr(psutil.cpu_freq(), "current", None),
            "stable": others < QUIET,
        }


def _busy() -> float:
    """Seconds of all cores at work for anyone: low priorities, interrupts, the host's others."""
    times = psutil.cpu_times()._asdict()
    return sum(float(times.get(kind, 0.0)) for kind in WORK)


def _faults() -> int:
    """Pages that this process got from the system so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
