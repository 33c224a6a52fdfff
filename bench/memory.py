"""A process' memory as the kernel counts it, and its peak since a moment of our choice (Linux)."""

from __future__ import annotations

from pathlib import Path

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


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
