"""Class prototypes: one step by hand, recognition in every column, and the oracle's numbers."""

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
from implementations.arrays import Floats
from implementations.frameworks import columns
from implementations.methods import class_prototypes
from implementations.oracle import runtime

ROOT = Path(__file__).parents[3]
CHILD = Path(__file__).parents[1] / "children" / "grown.py"
METHOD = methods.NamedMethod("class_prototypes", class_prototypes)
NODES = [
    {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 6, "kernel": 3},
    {"name": "relu1", "kind": "relu", "inputs": "conv1"},
    {"name": "pool1", "kind": "average_pool", "inputs": "relu1", "size": 2, "stride": 2},
    {"name": "flatten1", "kind": "flatten", "inputs": "pool1"},
    {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 4},
]
FORM = {"name": "small", "input_shape": [8, 7, 3], "classes": 4, "nodes": NODES}
ARCHITECTURE = graph.parse(FORM, "small")
DRAWN = neutral.randomise(ARCHITECTURE, 4)
TENSORS = {**DRAWN, "dense1.kernel": 4 * DRAWN["dense1.kernel"]}
"""Surer of its classes than networks drawn at random are."""
TARGETS = np.array([3, 0, 1, 2], np.int32)
STEPS = 60
INEXACT = ("jax", "torch")
"""The backends on which Keras computes parts of a float64 network in float32."""
COLUMNS = [c for c in columns() if c.missing is None]


def starts() -> tuple[Floats, Floats]:
    generator = np.random.default_rng(3)
    images = generator.random((4, 8, 7, 3)).astype(np.float32)
    images[0] = 0
    return images, generator.random((4, 8, 7, 3)).astype(np.float32)


def grow(**settings: str) -> dict[str, Floats]:
    network = runtime.build(ARCHITECTURE, TENSORS)
    images, means = (each.astype(np.float64) for each in starts())
    compile = runtime.compiler(network, METHOD.outputs)
    explain = METHOD.builder("reference")(network, "input", METHOD.resolve(settings), compile)
    return explain(network, images, TARGETS, {"means": means})


def loss(images: Floats) -> Floats:
    logits = runtime.build(ARCHITECTURE, TENSORS)(images)
    rest = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(4), TARGETS]
    return rest + 0.1 * ((images - starts()[1]) ** 2).mean(axis=(1, 2, 3))


def test_the_first_step_is_the_rate_against_the_slope() -> None:
    """Adam's first step is rate d / (|d| + 1e-8)."""
    images = starts()[0].astype(np.float64)
    found = grow(steps="1", rate="0.02")
    np.testing.assert_allclose(found["losses"], [*zip(loss(images), loss(found["prototype"]),
                                                      strict=True)], rtol=1e-12)  # fmt: skip
    moved = found["prototype"] - images
    np.testing.assert_allclose(np.abs(moved), 0.02, rtol=1e-3)
    for place in [(0, 0, 0), (4, 3, 1), (7, 6, 2)]:
        shift = np.zeros(images.shape)
        shift[:, *place] = 1e-5
        slope = (loss(images + shift) - loss(images - shift)) / 2e-5
        sure = np.abs(slope) > 1e-5
        assert sure.any()
        np.testing.assert_array_equal(np.sign(moved[:, *place])[sure], -np.sign(slope)[sure])


def test_more_steps_go_on_from_fewer_and_nothing_is_clipped() -> None:
    few, many = grow(steps="5"), grow(steps="30")
    np.testing.assert_array_equal(many["losses"][:, :6], few["losses"])
    assert many["losses"].shape == (4, 31)
    assert many["prototype"].min() < 0
    np.testing.assert_allclose(many["heatmap"], many["prototype"].mean(axis=-1))


def grown(
    framework: str, backend: str, precision: str, mode: str, folder: Path
) -> dict[str, Floats]:
    (folder / "architecture.json").write_text(json.dumps(graph.document(ARCHITECTURE)))
    neutral.save(folder / "weights.safetensors", TENSORS)
    images, means = starts()
    np.savez(folder / "given.npz", starts=images, means=means, targets=TARGETS, steps=STEPS)
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend or "tensorflow",
        "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1" if precision == "float64" else "0",
        "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3",
    }  # fmt: skip
    words = [sys.executable, str(CHILD), framework, precision, mode, str(folder)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return neutral.load(folder / "grown.safetensors")


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Floats]:
    return grown("reference", "", "float64", "eager", tmp_path_factory.mktemp("oracle"))


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.label)
def test_every_column_has_the_oracle_s_and_recognises_them(
    column: tuple[str, str, tuple[str, ...]], oracle: dict[str, Floats], tmp_path: Path
) -> None:
    """ReLUs switch on the way: of many steps the loss and the class agree, not the pixels."""
    framework, backend, packages = column
    exact = backend not in INEXACT
    mode = "eager" if "torch" in packages else "compiled"  # whose compiler takes many seconds
    precision = "float64" if exact else "float32"
    found = grown(framework, backend, precision, mode, tmp_path)
    tolerance = 1e-9 if exact else 1e-4
    for stage in ("prototype", "losses", "probability", "heatmap"):
        expected = oracle[f"short|{stage}"]
        assert np.abs(found[f"short|{stage}"] - expected).max() < tolerance * np.abs(expected).max()
    last, expected = found["long|losses"][:, -1], oracle["long|losses"][:, -1]
    np.testing.assert_allclose(last, expected, rtol=1e-3)
    assert oracle["long|probability"].min() >= 0.99
    assert found["long|probability"].min() >= 0.99
    if mode == "compiled":  # one step and the end, however many steps there are
        assert found["long|compiled"] == 2
