"""Memory of a process as the kernel and the library of its arrays count it, since a moment.

The kernel's counters are Linux'. It sees nothing of what TensorFlow takes from a pool that it holds
already, so there TensorFlow's own counter is read as well.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Self

from implementations.traits import Traits

NUMPY = Traits()
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Watched:
    """A context: what was held at its peak inside it, above what was held before, in MB.

    `row["call_memory_mb"]` is the host's. What was freed before is given back to the system first,
    or it would serve again without being counted.
    """

    def __init__(self, traits: Traits = NUMPY) -> None:
        self.traits = traits
        self.row: dict[str, float | None] = {}

    def __enter__(self) -> Self:
        give_back()
        self.pooled = self.traits.reset_pool() if self.traits.reset_pool else None
        self.held = reset_peak()
        return self

    def __exit__(self, *exception: object) -> None:
        most = peak()
        taken = [] if most is None or self.held is None else [most - self.held]
        if self.pooled is not None and self.traits.pool_peak:
            taken.append(self.traits.pool_peak() - self.pooled)
        self.row = {"call_memory_mb": max(taken, default=None)}


def give_back() -> None:
    """Return to the system what this process has freed, where its C library can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def reset_peak() -> float | None:
    """Forget the peak so far; what is held now, in MB. None where the kernel cannot."""
    try:
        RESET.write_text("5", encoding="ascii")  # proc(5): resets the peak resident set size
    except OSError:
        return None
    return _read("VmRSS")


def peak() -> float | None:
    """The most that was held since `reset_peak`, in MB."""
    return _read("VmHWM")


def _read(name: str) -> float | None:
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) / 1024 if found else None
