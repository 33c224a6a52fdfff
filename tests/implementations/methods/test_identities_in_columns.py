"""What theory says of the maps, in every column, over drawn networks and images."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from implementations import methods
from implementations.architecture import weights as neutral
from implementations.frameworks import columns

ROOT = Path(__file__).parents[3]
CHILD = Path(__file__).parents[1] / "children" / "identities.py"
INEXACT = ("jax", "torch")
"""The backends on which Keras computes parts of a float64 network in float32."""
COLUMNS = [c for c in columns() if c.missing is None]
CASES = 2
"""Networks and images drawn in a column: a simple one, and one of any kind."""


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.label)
def test_identities(column: tuple[str, str, tuple[str, ...]], tmp_path: Path) -> None:
    framework, backend, _ = column
    exact = backend not in INEXACT
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, CHILD.parent))),
        "KERAS_BACKEND": backend or "tensorflow",
        "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1" if exact else "0",
        "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3",
    }  # fmt: skip
    out = tmp_path / "found.safetensors"
    words = [framework, "float64" if exact else "float32", str(CASES), str(out)]
    asked = [sys.executable, str(CHILD), *words]
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = {name: float(gap) for name, gap in neutral.load(out).items()}
    assert {name[0] for name in found} == set("0123456789")
    assert {f"8 another order: {name}" for name in methods.names()} < set(found)
    tolerance = 1e-11 if exact else 2e-4
    assert not {name: gap for name, gap in found.items() if not gap <= tolerance}
