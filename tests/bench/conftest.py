"""Small networks in files: on images of `digits`, as children read them, and a user's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from bench.__main__ import main
from bench.record.cell import Cell
from bench.subject.inputs import prepare_images
from implementations.architecture import graph, weights

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


USERS = {
    "input_shape": [8, 9, 2],
    "classes": 4,
    "nodes": [
        {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 3, "kernel": 3},
        {"name": "relu1", "kind": "relu", "inputs": "conv1"},
        {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 5, "kernel": 3,
         "stride": 2},
        {"name": "relu2", "kind": "relu", "inputs": "conv2"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu2"},
        {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 4},
    ],
}  # fmt: skip


class Place(NamedTuple):
    """The files of a good request to `explain`, what is in them, and where its answer goes."""

    folder: Path
    out: Path
    form: dict[str, Any]
    images: np.ndarray[Any, Any]
    tensors: weights.Weights

    def arguments(self, **changes: Any) -> list[str]:
        """`explain` with these changes; None leaves an argument away."""
        given = {
            "framework": "pytorch", "method": "grad_cam", "mode": "eager",
            "architecture": self.folder / "small.json", "weights": self.folder / "w.safetensors",
            "images": self.folder / "images.npy", "out": self.out, **changes,
        }  # fmt: skip
        words = ["explain"]
        for name, value in given.items():
            if value is not None:
                for each in value if isinstance(value, list) else [value]:
                    words += [f"--{name}", str(each)]
        return words


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder with a small network's files."""
    images = np.random.default_rng(0).random((5, *USERS["input_shape"]), np.float32)
    tensors = weights.randomise(graph.parse(USERS, "small"), 3)
    (tmp_path / "small.json").write_text(json.dumps(USERS))
    weights.save(tmp_path / "w.safetensors", tensors)
    np.save(tmp_path / "images.npy", images)
    (tmp_path / "out").mkdir()
    return Place(tmp_path, tmp_path / "out" / "maps.safetensors", USERS, images, tensors)


def _files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def refused(place: Place, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line that a bad request gives; nothing may be written."""

    def refuse(status: int = 2, **changes: Any) -> str:
        before = _files(place.folder)
        given = main(place.arguments(**changes))
        said = capsys.readouterr()
        assert (given, said.out, said.err.count("\n")) == (status, "", 1), said.err
        assert said.err.startswith("python -m bench explain: ")
        assert _files(place.folder) == before
        return said.err

    return refuse
