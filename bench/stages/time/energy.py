"""Energy by the machine's own counters: the processor's packages, and the GPU where one is used.

The counters are of the whole package and the whole GPU, so they hold what else runs there too, and
what is drawn at rest. Linux' powercap tells of the packages (RAPL; by default to root alone),
`pynvml` (the distribution nvidia-ml-py) of NVIDIA's GPUs. Most virtual machines tell nothing.
"""

from __future__ import annotations

from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


class Meter:
    """Reads every counter when made; `joules()` tells what has been used since."""

    def __init__(self, gpu: bool = False) -> None:
        self.packages = _packages()
        self.counts_gpu = gpu
        self.gpu = _gpu_joules() if gpu else None

    def joules(self) -> float | None:
        """Joules since it was made; None where the machine, or the GPU asked for, tells nothing."""
        after = _packages()
        used = [
            (now - self.packages[name][0]) % span / 1e6
            for name, (now, span) in after.items()
            if name in self.packages
        ]
        if self.counts_gpu:
            now = _gpu_joules()
            if self.gpu is None or now is None:
                return None
            used.append(now - self.gpu)
        return sum(used) if used else None


def _packages() -> dict[str, tuple[int, int]]:
    """Package -> its counter and where that begins again at zero, in microjoules."""
    found = {}
    for folder in sorted(POWERCAP.glob("intel-rapl:*")):
        if folder.name.count(":") > 1:
            continue  # a part of a package, in whose counter it is
        try:
            counter = int((folder / "energy_uj").read_text(encoding="ascii"))
            span = int((folder / "max_energy_range_uj").read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        found[folder.name] = (counter, span)
    return found


def _gpu_joules() -> float | None:
    """What the first GPU has used since its driver was loaded; None where it does not tell."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3
    except pynvml.NVMLError:  # no driver, no GPU, or one without the counter
        return None
