"""An import takes little more memory than the file's numbers twice: the file's own, and ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

import import_memory
from onnx_graphs import saved

MOST = 2.5
"""Of the file's bytes."""
WIDTH = 512


@pytest.mark.parametrize(("depth", "units"), [(8, 1024), (1, 4096)])
def test_memory_is_in_proportion_to_the_file(tmp_path: Path, depth: int, units: int) -> None:
    draw = np.random.default_rng(0)

    def numbers(*shape: int) -> Any:
        return draw.standard_normal(shape, np.float32) / np.float32(np.prod(shape[1:]) ** 0.5)

    around = {"pads": [1, 1, 1, 1]}
    ops: list[tuple[Any, ...]] = [
        ("Conv", ["images", "k0"], "v0", {**around, "strides": [2, 2]}), ("Relu", ["v0"], "r0")
    ]  # fmt: skip
    tensors = {"k0": numbers(WIDTH, 3, 3, 3)}
    for n in range(1, depth + 1):
        ops += [("Conv", [f"r{n - 1}", f"k{n}"], f"v{n}", around), ("Relu", [f"v{n}"], f"r{n}")]
        tensors[f"k{n}"] = numbers(WIDTH, WIDTH, 3, 3)
    ops += [
        ("Flatten", [f"r{depth}"], "flat"),
        ("Gemm", ["flat", "wide"], "h", {"transB": 1}),
        ("Gemm", ["h", "last"], "logits", {"transB": 1}),
    ]
    tensors |= {"wide": numbers(units, WIDTH * 16), "last": numbers(10, units)}
    file = saved(tmp_path / "m.onnx", ops, tensors, ("batch", 3, 8, 8))
    assert file.stat().st_size > 100e6
    command = [sys.executable, import_memory.__file__, str(file), str(tmp_path / "net")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= MOST
    held = sum(path.stat().st_size for path in (tmp_path / "net").iterdir())
    assert held == pytest.approx(file.stat().st_size, rel=0.01)
