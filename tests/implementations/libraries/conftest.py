"""Libraries of Keras explain in a process of their own, which has one backend for good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import oracle_maps
import pytest

from implementations import libraries
from implementations.architecture import graph
from implementations.architecture import weights as neutral
from implementations.arrays import Intermediates
from implementations.oracle import runtime

ROOT = Path(__file__).parents[3]
NODES = [
    {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 5, "kernel": 3},
    {"name": "relu1", "kind": "relu", "inputs": "conv1"},
    {"name": "pad1", "kind": "pad", "inputs": "relu1", "spatial": [[0, 0], [1, 0]]},
    {"name": "pool1", "kind": "max_pool", "inputs": "pad1", "size": 2, "stride": 2},
    {
        "name": "conv2", "kind": "conv", "inputs": "pool1", "filters": 6, "kernel": [6, 5],
        "padding": "valid",
    },
    {"name": "relu2", "kind": "relu", "inputs": "conv2"},
    {"name": "flatten1", "kind": "flatten", "inputs": "relu2"},
    {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 4},
]  # fmt: skip
SHAPE = (26, 15, 3)
ARCHITECTURE = graph.parse({"input_shape": SHAPE, "classes": 4, "nodes": NODES}, "small")
WEIGHTS = neutral.randomise(ARCHITECTURE, 0)
# The logit of class 3, the last image's, hardly changes with the image: its maps are faint.
WEIGHTS["dense1.kernel"] = WEIGHTS["dense1.kernel"] * np.array([1, 1, 1, -1e-5], np.float32)
IMAGES = np.random.default_rng(0).random((5, *SHAPE), dtype=np.float32)
TARGETS = np.array([0, 2, 1, 2, 3], np.int32)


@dataclass(frozen=True)
class Explained:
    """By `precision layer score option=value ...`: maps; images through the model, or a reason."""

    maps: dict[str, np.ndarray]
    found: dict[str, Any]


@pytest.fixture(scope="module")
def example() -> Any:
    """The network (architecture, weights) that they explain, the images and the targets."""
    return ARCHITECTURE, WEIGHTS, IMAGES, TARGETS


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Explained]:
    """From library and Keras backend to what the library finds; skipped where one is missing."""

    @cache
    def run(library: str, backend: str) -> Explained:
        return _apart("explain_keras.py", library, backend, tmp_path_factory.mktemp(backend))

    return run


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Explained]:
    """From library and cases, `precision offer layer option=value ...`, to what it finds there."""

    @cache
    def run(library: str, *cases: str) -> Explained:
        folder = tmp_path_factory.mktemp("offered")
        (folder / "cases.json").write_text(json.dumps(cases))
        return _apart("explain_offers.py", library, "tensorflow", folder)

    return run


def _apart(script: str, library: str, backend: str, folder: Path) -> Explained:
    missing = [name for name in ("keras", backend) if find_spec(name) is None]
    about = libraries.describe(library)
    if missing or (about.missing and not about.python):
        pytest.skip(f"{library} needs {' '.join(missing) or 'its packages'}")
    if about.python and backend != about.backend:
        pytest.skip(f"{library}'s environment has {about.backend} only")
    (folder / "architecture.json").write_text(json.dumps(graph.document(ARCHITECTURE)))
    neutral.save(folder / "weights.safetensors", WEIGHTS)
    np.save(folder / "images.npy", IMAGES)
    np.save(folder / "targets.npy", TARGETS)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "KERAS_BACKEND": backend,
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    path = Path(__file__).with_name(script)
    done = subprocess.run(
        [about.python or sys.executable, str(path), library, str(folder)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert not done.stdout, done.stdout[-3000:]
    found = json.loads((folder / "found.json").read_text())
    with np.load(folder / "maps.npz") as maps:
        return Explained(dict(maps), found)


@pytest.fixture(scope="module")
def oracle() -> Callable[..., Intermediates]:
    """From layer, score and method to the stages of our own, Grad-CAM, in float64 NumPy."""

    @cache
    def stages(layer: str, score: str, method: str = "grad_cam") -> Intermediates:
        network = runtime.build(ARCHITECTURE, WEIGHTS)
        placed = runtime.put(network, IMAGES, TARGETS)
        return oracle_maps.explained(method, network, *placed, layer=layer, score=score)

    return stages
