"""Trained here, exported by each framework's own exporter, imported: the same to the last digit."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from implementations.architecture import weights
from implementations.architecture.graph import parse
from implementations.architecture.kinds import KINDS
from implementations.importers.onnx import checking
from implementations.importers.onnx.convert import Wanted, convert

ROOT = Path(__file__).parents[3]
CHILD = ROOT / "tests" / "implementations" / "children" / "round_trip.py"
EXPORTERS = {"pytorch": "torch", "jax": "jax2onnx", "keras": "tf2onnx"}


@pytest.mark.parametrize("framework", EXPORTERS)
def test_a_network_comes_back(tmp_path, framework):
    if find_spec(EXPORTERS[framework]) is None:
        pytest.skip(f"{EXPORTERS[framework]} is not installed")
    backend = "tensorflow" if framework == "keras" else ""
    settings = {"KERAS_BACKEND": backend or "jax", "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    told = [sys.executable, str(CHILD), framework, backend, str(tmp_path)]
    done = subprocess.run(
        told, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    path = tmp_path / "trained.safetensors"
    trained, form = weights.load(path), json.loads(weights.about(path)["document"])
    made = convert(tmp_path / "m.onnx", Wanted("t"))
    ours, back = parse(form, "t").nodes, made.architecture.nodes
    assert [node.kind for node in back] == [node.kind for node in ours]
    for mine, theirs in zip(ours, back, strict=True):
        for part in KINDS[mine.kind].parameters(mine, parse(form, "t").shapes[mine.inputs[0]]):
            held = made.weights[f"{theirs.name}.{part}"]
            assert held.dtype == np.float32
            np.testing.assert_array_equal(held, trained[f"{mine.name}.{part}"])
    assert checking.check(made).exact < 1e-15
