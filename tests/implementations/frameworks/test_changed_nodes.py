"""Nodes with another backward pass: a function's derivative in each column, the oracle's rule."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import changed_nodes
import numpy as np
import pytest
from keras_answers import EVERY_KIND

from implementations.architecture import graph
from implementations.architecture import weights as neutral
from implementations.errors import BadInput
from implementations.frameworks import columns
from implementations.oracle import runtime

ROOT = Path(__file__).parents[3]
COLUMNS = [column for column in columns() if column.missing is None]
INEXACT = ("jax", "torch")
"""The backends on which Keras computes parts of a float64 network in float32."""
FLATTENED = [
    # Both ends of the map are as wide: PyTorch's convolution cannot pad them otherwise.
    {"name": "conv1", "kind": "conv", "filters": 4, "kernel": 3, "inputs": "input", "bias": False},
    {"name": "relu1", "kind": "relu", "inputs": "conv1"},
    {"name": "flatten1", "kind": "flatten", "inputs": "relu1"},
    {"name": "dense1", "kind": "dense", "units": 6, "inputs": "flatten1"},
    {"name": "relu2", "kind": "relu", "inputs": "dense1"},
    {"name": "dense2", "kind": "dense", "units": 5, "bias": False, "inputs": "relu2"},
]
NETWORKS = {"every": EVERY_KIND, "flattened": FLATTENED}


@pytest.mark.parametrize("nodes", NETWORKS)
@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.label)
def test_a_column_has_the_gradients_of_the_oracles_rules(
    column: tuple[str, str, tuple[str, ...]], nodes: str, tmp_path: Path
) -> None:
    framework, backend, packages = column
    form = {"input_shape": [9, 8, 3], "classes": 5, "nodes": NETWORKS[nodes]}
    architecture = graph.parse(form, nodes)
    tensors = neutral.randomise(architecture, 3)
    images = np.random.default_rng(4).random((3, 9, 8, 3)).astype(np.float32)
    targets = np.array([4, 0, 2], np.int32)
    (tmp_path / "architecture.json").write_text(json.dumps(graph.document(architecture)))
    neutral.save(tmp_path / "weights.safetensors", tensors)
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "targets.npy", targets)
    plain = runtime.build(architecture, tensors)
    oracle = plain.with_backward(changed_nodes.RULES)
    placed = runtime.put(oracle, images, targets)
    expected = oracle.gradients(*placed, "logit")["input"]
    assert np.abs(expected - plain.gradients(*placed, "logit")["input"]).max() > 0.1
    precision = "float32" if backend in INEXACT else "float64"
    # Where compiling takes seconds, one network stands for both.
    modes = ["eager"] if "torch" in packages and nodes != "every" else ["eager", "compiled"]
    for mode in modes:
        found = answers(framework, backend, precision, mode, tmp_path)
        for name, wanted in (("logits", plain(placed[0])), ("gradients", expected)):
            error = np.abs(found[name] - wanted).max() / np.abs(wanted).max()
            assert error < (1e-12 if precision == "float64" else 1e-5), (mode, name, error)


def answers(
    framework: str, backend: str, precision: str, mode: str, folder: Path
) -> dict[str, np.ndarray]:
    """What a column answers in a process of its own: two frameworks never share one."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "KERAS_BACKEND": backend or "tensorflow",
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1" if precision == "float64" else "0",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, changed_nodes.__file__, framework, precision, mode, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return neutral.load(folder / "found.safetensors")


def test_rules_add_up_and_go_with_those_of_relus(chain) -> None:
    nodes = [{"kind": "relu"}, {"kind": "relu6"}, {"kind": "flatten"}]
    network = chain([*nodes, {"kind": "dense", "units": 2}], (1, 4, 1), 2)
    image, target = np.array([[-1.0, 2, 5, 8]]).reshape(1, 1, 4, 1), np.array([1])
    kernel = network.tensor("node3.kernel")[:, 1]

    def gradient(changed) -> np.ndarray:
        return changed.pull_back("input", image, {}, target, "logit").ravel()

    once = network.with_backward({"relu": lambda node, tensors, inputs, given: [given * 10]})
    twice = once.with_backward({"relu6": lambda node, tensors, inputs, given: [given * 2]})
    np.testing.assert_allclose(gradient(network), kernel * [0, 1, 1, 0])
    np.testing.assert_allclose(gradient(once), 10 * kernel * [0, 1, 1, 0])
    np.testing.assert_allclose(gradient(twice), 20 * kernel)
    np.testing.assert_allclose(gradient(twice.with_relu("guided")), 20 * kernel)
    deconvolution = once.with_relu("deconvolution")
    np.testing.assert_allclose(gradient(deconvolution), 10 * np.maximum(kernel, 0))
    with pytest.raises(BadInput, match="unknown kind of node 'rellu'; did you mean relu"):
        network.with_backward({"rellu": lambda *given: []})
