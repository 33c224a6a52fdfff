"""A small network on a few images of `digits`, in files as the stages' children read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench.cells import Cell
from bench.inputs import prepare_images
from implementations import graph, weights

N_IMAGES = 20
NODES = [
    {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 4, "kernel": 3, "stride": 2},
    {"name": "relu1", "kind": "relu", "inputs": "conv1"},
    {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 6, "kernel": 3, "stride": 2},
    {"name": "relu2", "kind": "relu", "inputs": "conv2"},
    {"name": "dropout1", "kind": "dropout", "inputs": "relu2", "rate": 0.25},
    {"name": "gap1", "kind": "global_average_pool", "inputs": "dropout1"},
    {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 10},
]
FORM = {"input_shape": [28, 28, 1], "classes": 10, "nodes": NODES}


class Small(NamedTuple):
    """The cell to vary, and what a stage is told beside its cells."""

    cell: Cell
    context: dict[str, Any]
    architecture: graph.Architecture


@pytest.fixture
def small(tmp_path: Path) -> Small:
    path = tmp_path / "small.json"
    path.write_text(json.dumps(FORM))
    name = str(path)
    architecture = graph.read(path)
    work = tmp_path / "work"
    images = prepare_images("digits", N_IMAGES, work, None, False)
    trained = work / "trained.safetensors"
    weights.save(trained, weights.initialise(architecture, 1))
    (work / "networks").mkdir()
    context = {
        "images": {"digits": str(images)},
        "weights": {f"digits/{name}/trained": str(trained)},
        "n_images": N_IMAGES,
        "n_contrast": 8,
        "oracle": str(work / "oracle"),
        "out": str(work / "networks"),
        "data_dir": None,
        "allow_unverified": False,
        "like": {},
    }
    cell = Cell(
        stage="agree", framework="reference", method="grad_cam", dataset="digits",
        architecture=name, mode="eager", precision="float64", layer="relu2", batch=8,
    )  # fmt: skip
    return Small(cell, context, architecture)
