"""The environment of a child process: toggles that must be set before a framework is imported.

Cells that need the same environment may share a process, in shuffled order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from bench.engine import inherited, scratch
from bench.record.cell import Cell
from bench.subject import needs

KEPT = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_ARENA_MAX": "1",
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
}
"""What has the C library (glibc) keep what is freed for the next call.

As it comes it gives large blocks back or keeps them by where they happened to lie, and getting them
again, page by page, can cost a call a third of its time in one process and nothing in another. The
heaps of single threads give memory back whatever the threshold, so all threads share one. Arrays
are aligned blocks, cut from larger ones: before glibc 2.39 the cuttings go to a thread's cache of
small blocks, so that what is freed lies in pieces too small for an array of the same size, and a
process grows with every call (glibc's bugs 14581 and 30723). So there is no such cache.
"""
PYTHON = "CAMPARISON_PYTHON"
"""What stands for the Python of a library that has an environment of its own."""
KERAS = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}
"""Keras' file of settings: what is its default, whatever the user's own file says."""
PROCESS_WIDE = {"tf32": "", "float64": "jax"}
"""Precisions that are settings of a process: where this package computes, or everywhere."""


def environment(cell: Cell, cores: Sequence[int] = ()) -> dict[str, str]:
    """The variables that must be set before the cell's framework is imported.

    `cores` are those the process may use (XLA obeys nothing but affinity); by default the first
    `cell.threads` of those allowed, or all.

    Preallocation is off so that memory can be measured, freed memory stays with the process, TF32
    follows the precision, and a cell on the CPU sees no GPU. Cells with equal environments may
    share a process: those of all precisions do, but for TF32 and for JAX's float64, which are
    settings of a process.
    """
    cores = cores or sorted(os.sched_getaffinity(0))[: cell.threads or None]
    threads = str(cell.threads or len(cores))
    gpu = cell.device == "gpu"
    package = PROCESS_WIDE.get(cell.precision)
    apart = package in ("", *cell.column.packages)
    variables = {
        **KEPT,
        "KERAS_BACKEND": cell.backend or "tensorflow",
        "JAX_PLATFORMS": "cuda" if gpu else "cpu",
        "JAX_ENABLE_X64": "1" if cell.precision == "float64" and apart else "0",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "NVIDIA_TF32_OVERRIDE": "1" if cell.precision == "tf32" else "0",
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONHASHSEED": "0",
        "CAMPARISON_CORES": ",".join(str(core) for core in cores),
        "CAMPARISON_COLUMN": cell.column.label,
        "CAMPARISON_PRECISION": cell.precision if apart else "",
    }
    if own := needs.python(cell):
        variables[PYTHON] = str(own)
    for name, value in needs.variables(cell, len(cores)).items():
        variables[name] = value.removeprefix(os.environ.get(name, "")).strip()
    if not gpu:
        variables["CUDA_VISIBLE_DEVICES"] = ""
    return variables


def python(cell: Cell) -> str:
    """The Python of a library that has an environment of its own, or else this one."""
    return environment(cell).get(PYTHON) or scratch.interpreter()


def made(cell: Cell, folder: Path, cores: Sequence[int] = ()) -> dict[str, str]:
    """All variables of the cell's process, whose temporary files lie in a folder of its own.

    Of the shell's it has those that say where things are; of the user's files that set a framework
    it sees none. Writes Keras' file of settings into the folder.
    """
    keras = folder / "keras"
    keras.mkdir()
    (keras / "keras.json").write_text(json.dumps(KERAS), encoding="utf-8")
    return {
        "HOME": str(folder),
        **inherited.passed(),
        **environment(cell, cores),
        "KERAS_HOME": str(keras),
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),
        "TMPDIR": str(folder),
    }
