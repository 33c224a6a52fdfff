"""Provenance: the machine, the versions and the state of the code a row was made with."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from implementations.errors import Unavailable

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "numpy", "scipy", "jax", "jaxlib", "flax", "optax", "torch", "keras", "tensorflow",
    "tensorflow-cpu", "captum", "shap", "grad-cam", "torchcam", "tf-keras-vis", "tf-explain",
    "eli5", "pytest-benchmark", "triton", "jax-cuda12-plugin", "jax-cuda13-plugin",
    "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Installed versions of the packages that compute; nothing is imported."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _run(*command: str) -> str | None:
    """Output of a command, or None when it is not there or fails."""
    if shutil.which(command[0]) is None:
        return None
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


@cache
def describe() -> dict[str, Any]:
    """The machine: `machine_id` is a hash of what decides its speed, not of its name."""
    gpu = _run("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
    # The first of several: it is the one that is used.
    name, _, driver = (gpu or "").partition("\n")[0].partition(",")
    machine = {
        "cpu": _cpu(),
        "cpus_allowed": len(os.sched_getaffinity(0)),
        "ram_gb": round(psutil.virtual_memory().total / 2**30),
        "gpu": name.strip(),
        "driver": driver.strip(),
        "os": f"{platform.system()} {platform.release().partition('-')[0]}",
    }
    keys = (machine["cpu"], machine["cpus_allowed"], machine["ram_gb"], machine["gpu"])
    digest = hashlib.sha256(repr(keys).encode()).hexdigest()[:8]
    return {"machine_id": digest, **machine, "python": platform.python_version()}


def require(device: str) -> None:
    """Raises Unavailable for `gpu` on a machine without one."""
    if device == "gpu" and not describe()["gpu"]:
        raise Unavailable("no GPU: looked for an NVIDIA one with nvidia-smi; use --device cpu")


def provenance() -> dict[str, Any]:
    """The head of a run's file."""
    sha = _run("git", "rev-parse", "--short=12", "HEAD")
    changed = _run("git", "status", "--porcelain", "--", "*.py")
    return {
        **describe(),
        "versions": versions(),
        "git_sha": sha or "",
        "git_dirty": bool(changed),
    }
