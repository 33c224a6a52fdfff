"""DeepLIFT and LRP in every column, on a network that branches and has all kinds of pools.

Its nodes have names that frameworks use for themselves.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from implementations import methods
from implementations.architecture import graph
from implementations.architecture import weights as neutral
from implementations.frameworks import columns

HERE = Path(__file__)
COLUMNS = [column for column in columns() if column.missing is None]
INEXACT = ("jax", "torch")
"""The backends on which Keras computes parts of a float64 network in float32."""
BRANCHING = [
    {
        "name": "normalise1", "kind": "normalise", "inputs": "input", "order": [2, 0, 1],
        "mean": [0.4, 0.5, 0.6], "deviation": [0.2, 0.3, 0.4],
    },
    {
        "name": "conv1", "kind": "conv", "inputs": "normalise1", "filters": 8, "kernel": 3,
        "bias": False,
    },
    {"name": "norm1", "kind": "batch_norm", "inputs": "conv1"},
    {"name": "relu1", "kind": "relu", "inputs": "norm1"},
    {
        "name": "pool1", "kind": "max_pool", "inputs": "relu1", "size": 3, "stride": 2,
        "padding": [[1, 0], [0, 1]], "rounding": "ceil",
    },
    {"name": "conv2", "kind": "conv", "inputs": "pool1", "filters": 8, "kernel": 3, "groups": 4},
    {"name": "norm2", "kind": "batch_norm", "inputs": "conv2"},
    {"name": "add1", "kind": "add", "inputs": ["norm2", "pool1"]},
    {"name": "relu2", "kind": "relu6", "inputs": "add1"},
    {"name": "pool2", "kind": "max_pool", "inputs": "conv2", "size": 2, "stride": 2},
    {"name": "pad2", "kind": "pad", "inputs": "pool2", "spatial": [[0, 0], [0, 1]]},
    {
        "name": "mean1", "kind": "average_pool", "inputs": "relu2", "size": 3, "stride": 2,
        "padding": "same", "count_padding": True,
    },
    {
        "name": "mean2", "kind": "average_pool", "inputs": "relu2", "size": 2, "stride": 2,
        "rounding": "ceil",
    },
    {
        "name": "pool3", "kind": "max_pool", "inputs": "relu2", "size": 3, "stride": 2,
        "padding": "same",
    },
    {"name": "concat1", "kind": "concat", "inputs": ["mean1", "mean2", "pool3", "pad2"]},
    {
        "name": "conv3", "kind": "conv", "inputs": "concat1", "filters": 6, "kernel": 3,
        "stride": 2, "dilation": 2, "padding": [[3, 1], [1, 4]],
    },
    {"name": "norm3", "kind": "batch_norm", "inputs": "conv3"},
    {"name": "relu3", "kind": "relu", "inputs": "norm3"},
    {"name": "dropout1", "kind": "dropout", "inputs": "relu3", "rate": 0.5},
    {"name": "flatten1", "kind": "flatten", "inputs": "dropout1"},
    {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 9},
    {"name": "norm4", "kind": "batch_norm", "inputs": "dense1"},
    {"name": "relu4", "kind": "relu", "inputs": "norm4"},
    {"name": "dense2", "kind": "dense", "inputs": "relu4", "units": 4},
]  # fmt: skip
NAMES = {
    "conv1": "forward", "norm1": "layers", "relu1": "input_1", "pool1": "input_layer",
    "conv2": "type", "norm2": "parameters", "add1": "items", "pool2": "keys", "pad2": "0",
    "concat1": "a-b", "conv3": "eval", "relu3": "n" * 300, "flatten1": "get", "dense1": "kernel",
}  # fmt: skip


def maps(
    framework: str, backend: str, precision: str, mode: str, folder: Path
) -> dict[str, np.ndarray]:
    """All options' maps, made in a process of its own: two frameworks never share one."""
    text = json.dumps(BRANCHING)
    for plain, name in NAMES.items():
        text = text.replace(f'"{plain}"', f'"{name}"')
    nodes = json.loads(text)
    form = {"name": "branching", "input_shape": [12, 10, 3], "classes": 4, "nodes": nodes}
    architecture = graph.parse(form, "branching")
    (folder / "architecture.json").write_text(json.dumps(graph.document(architecture)))
    neutral.save(folder / "weights.safetensors", neutral.randomise(architecture, 6))
    images = np.random.default_rng(5).random((3, 12, 10, 3)).astype(np.float32)
    np.save(folder / "images.npy", images)
    np.save(folder / "targets.npy", np.array([3, 0, 2], np.int32))
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE.parents[4]),
        "KERAS_BACKEND": backend or "tensorflow",
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1" if precision == "float64" else "0",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    script = HERE.parents[1] / "explain_all.py"
    asked = [framework, precision, mode, "options", "deep_lift lrp", str(folder)]
    command = [sys.executable, str(script), *asked]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return neutral.load(folder / "maps.safetensors")


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    return maps("reference", "", "float64", "eager", tmp_path_factory.mktemp("oracle"))


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.label)
def test_a_column_has_the_oracles_maps(
    column: tuple[str, str, tuple[str, ...]], oracle: dict[str, np.ndarray], tmp_path: Path
) -> None:
    framework, backend, packages = column
    precision = "float32" if backend in INEXACT else "float64"
    mode = "eager" if "torch" in packages else "compiled"  # where that does not take seconds
    found = maps(framework, backend, precision, mode, tmp_path)
    # DeepLIFT's, LRP's, those of its two other composites, and without biases.
    compared = [key for key in found if key.endswith("|signed")]
    assert len(compared) == 5
    for key in compared:
        card = methods.load(key.split("|")[0].split()[0]).card
        error = np.abs(found[key] - oracle[key]).max() / np.abs(oracle[key]).max()
        assert error < (card.exact if precision == "float64" else card.tolerance), (key, error)
