"""What theory says of the maps, in every column: networks of another seed each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from implementations.architecture import weights as neutral
from implementations.frameworks import columns

ROOT = Path(__file__).parents[3]
CHILD = Path(__file__).parents[1] / "children" / "identities.py"
INEXACT = ("torch",)
"""The backends on which Keras computes parts of a float64 network in float32."""
COLUMNS = [c for c in columns() if c.missing is None and c.label != "keras[jax]"]
"""Keras on JAX is left out for time: its builders are the other backends', its operations JAX's."""


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.label)
def test_identities(column: tuple[str, str, tuple[str, ...]], tmp_path: Path) -> None:
    framework, backend, _ = column
    exact = backend not in INEXACT
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend or "tensorflow",
        "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1" if exact else "0",
        "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3",
    }  # fmt: skip
    out = tmp_path / "found.safetensors"
    words = [framework, "float64" if exact else "float32", str(COLUMNS.index(column)), str(out)]
    asked = [sys.executable, str(CHILD), *words]
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = {name: float(gap) for name, gap in neutral.load(out).items()}
    assert len(found) == 17
    tolerance = 1e-11 if exact else 2e-4
    assert not {name: gap for name, gap in found.items() if not gap <= tolerance}
