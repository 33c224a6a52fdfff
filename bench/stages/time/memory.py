"""Memory of a process as the kernel and the library of its arrays count it, since a moment.

The kernel's counters are Linux'. It sees nothing of what TensorFlow takes from a pool that it holds
already, so there TensorFlow's own counter is read as well. A GPU's memory only the libraries count.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Self

from bench.stages.time.device_memory import DeviceMemory

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Watched:
    """A context: what was held at its peak inside it, above what was held before, in MB.

    `row["call_memory_mb"]` is the host's, `row["peak_device_mb"]` the GPU's (None without `gpu`).
    `array` is the library whose arrays they are: `torch`, `jax`, `tensorflow` or none. What was
    freed before is given back to the system first, or it would serve again without being counted.
    """

    def __init__(self, array: str = "", gpu: bool = False) -> None:
        self.array, self.gpu = array, gpu
        self.row: dict[str, float | None] = {}

    def __enter__(self) -> Self:
        give_back()
        self.pooled = reset_pool_peak() if self.array == "tensorflow" else None
        self.held = reset_peak()
        self.device = DeviceMemory(self.array) if self.gpu else None
        return self

    def __exit__(self, *exception: object) -> None:
        most = peak()
        taken = [] if most is None or self.held is None else [most - self.held]
        if self.pooled is not None:
            taken.append(pool_peak() - self.pooled)
        self.row = {
            "call_memory_mb": max(taken, default=None),
            "peak_device_mb": self.device.taken() if self.device else None,
        }


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


def reset_pool_peak() -> float | None:
    """Forget the peak of TensorFlow's pool on the host; what is in use now, in MB.

    None where its allocator does not count.
    """
    import tensorflow as tf

    try:
        tf.config.experimental.reset_memory_stats("CPU:0")
        return float(tf.config.experimental.get_memory_info("CPU:0")["current"]) / 2**20
    except ValueError:
        return None


def pool_peak() -> float:
    """The most that was in use of TensorFlow's pool on the host since `reset_pool_peak`, in MB."""
    import tensorflow as tf

    return float(tf.config.experimental.get_memory_info("CPU:0")["peak"]) / 2**20
