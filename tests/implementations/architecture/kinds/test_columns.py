"""Every kind of node, forward and backward, in every column that is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from kind_answers import COMPILED
from node_cases import SETTINGS

from implementations.frameworks import columns

ROOT = Path(__file__).parents[4]
COLUMNS = [column for column in columns() if column.missing is None]
INEXACT = ("jax", "torch")
"""The backends on which Keras computes parts of a float64 network in float32."""


def answers(framework: str, backend: str, precision: str, mode: str, out: Path) -> dict:
    folders = [ROOT, ROOT / "tests" / "implementations" / "children"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "KERAS_BACKEND": backend or "tensorflow",
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1" if precision == "float64" else "0",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    script = folders[1] / "kind_answers.py"
    command = [sys.executable, str(script), framework, precision, mode, str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(out) as found:
        return dict(found)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    out = tmp_path_factory.mktemp("oracle") / "answers.npz"
    return answers("reference", "", "float64", "eager", out)


def errors_of(found: dict, oracle: dict) -> dict[str, float]:
    return {
        key: float(np.abs(array - oracle[key]).max() / np.abs(oracle[key]).max())
        for key, array in found.items()
    }


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.label)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_every_kind_agrees_with_the_oracle(column, precision, oracle, tmp_path):
    framework, backend, _ = column[:3]
    if precision == "float64" and backend in INEXACT:
        pytest.skip("Keras computes parts in float32 on this backend")
    found = answers(framework, backend, precision, "eager", tmp_path / "answers.npz")
    assert {key.split("|")[0] for key in found} == set(SETTINGS)
    assert {array.dtype for array in found.values()} == {np.dtype(precision)}
    most = 1e-12 if precision == "float64" else 5e-6
    assert not {key: error for key, error in errors_of(found, oracle).items() if not error <= most}


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.label)
def test_compiled_they_agree_too(column, oracle, tmp_path):
    framework, backend, packages = column[:3]
    if "torch" in packages:
        pytest.skip("compiling takes seconds a network there")
    found = answers(framework, backend, "float32", "compiled", tmp_path / "answers.npz")
    assert {key.split("|")[0] for key in found} == set(COMPILED)
    assert not {key: e for key, e in errors_of(found, oracle).items() if not e <= 5e-6}
