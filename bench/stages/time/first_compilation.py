"""What the first compilation of a process costs, whatever it compiles: starting the compiler.

PyTorch's imports it, starts its workers, tries what the processor can do and precompiles headers:
seconds that would count as those of whichever cell comes first. So a process compiles a tiny
network before any cell, and its seconds are a column of their own.
"""

from __future__ import annotations

import os
import time
from functools import cache

import numpy as np

from bench.engine import compile_caches
from bench.record.cell import Cell
from implementations import frameworks, methods
from implementations.architecture import graph
from implementations.architecture.weights import randomise
from implementations.frameworks import Column

METHOD, LAYER = "grad_cam", "relu1"
TINY = {
    "input_shape": [8, 8, 1],
    "classes": 2,
    "nodes": [
        {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 4, "kernel": 3},
        {"name": "relu1", "kind": "relu", "inputs": "conv1"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu1"},
        {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 2},
    ],
}


def seconds(cell: Cell) -> float | None:
    """Seconds of this process' first compilation in the cell's mode; it is made once a process.

    None for a cell that compiles nothing, and from warm caches, where it is no figure.
    """
    if cell.mode == "eager":
        return None
    # Tuned is compiled, but for where the arrays lie; TF32 is a setting of the whole process.
    mode = "compiled" if cell.mode == "tuned" else cell.mode
    precision = "tf32" if cell.precision == "tf32" else "float32"
    taken = _seconds(cell.column, cell.device, mode, precision)
    return taken if os.environ[compile_caches.STATE] == "cold" else None


@cache
def _seconds(column: Column, device: str, mode: str, precision: str) -> float:
    name = column.framework
    framework, method = frameworks.load(name), methods.load(METHOD)
    architecture = graph.parse(TINY, "tiny")
    network = framework.build(architecture, randomise(architecture, 0), device, precision)
    images = np.zeros((1, *architecture.input_shape), np.float32)
    placed = framework.put(network, images, np.zeros(1, np.int32))
    with compile_caches.of_its_own(f"first-{column.label}-{mode}-{precision}"):
        began = time.perf_counter()
        explain = method.bind(name, framework, network, LAYER, method.resolve({}), mode=mode)
        heatmap = explain(*placed)["heatmap"]
        framework.wait(heatmap)
        return time.perf_counter() - began
