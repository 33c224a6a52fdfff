from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.record import older
from bench.record.cell import Cell
from bench.subject import described
from implementations.architecture import weights

CELL = Cell(
    stage="time", framework="jax", method="grad_cam", dataset="digits", architecture="cnn-gap",
    batch=64, mode="compiled",
)  # fmt: skip
GRID = {"name": "quick", "base": {"dataset": "digits", "architecture": "cnn-gap", "batch": 64}}


@pytest.fixture
def context(tmp_path: Path) -> dict[str, object]:
    path = tmp_path / "images.safetensors"
    weights.save(path, {"images": np.zeros((1, 12, 16, 1), np.float32), "classes": np.array(7)})
    return {"images": {"digits": str(path)}, "grid": GRID}


def test_a_row_says_its_layer_its_images_and_its_grid(context: dict[str, object]) -> None:
    found = described.of(CELL, context)
    assert found["image_hw"] == "12x16" and found["classes"] == 7
    assert found["node"].startswith("relu") and found["order"] > 0 and 0 < found["depth"] <= 1
    assert found["grid"] == "quick" and found["varies"] == ""
    first = described.of(replace(CELL, layer="conv1"), context)
    assert first["node"] == "relu1" and first["depth"] < found["depth"]
    assert first["order"] < found["order"] and first["varies"] == "layer"


@pytest.mark.parametrize(
    ("changes", "varies"),
    [
        ({"task": "forward", "method": ""}, ""),
        ({"task": "train_step", "method": "", "optimizer": "native"}, ""),
        ({"mode": "eager", "batch": 1}, "mode, batch"),
        ({"method": "saliency", "precision": "float64"}, "precision, method"),
        ({"options": (("reduction", "sum"),)}, "method"),
        ({"library": "captum"}, "method"),
        ({"dataset": "shapes"}, "architecture"),
    ],
)
def test_a_timed_cell_says_which_factors_vary(changes: dict[str, object], varies: str) -> None:
    cell = replace(CELL, **changes)  # type: ignore[arg-type]
    assert described.of(cell, {"images": {}, "grid": GRID})["varies"] == varies


def test_what_reads_no_layer_has_none_and_other_stages_no_grid(context: dict[str, object]) -> None:
    found = described.of(replace(CELL, stage="agree", method="saliency"), context)
    assert not {"node", "order", "depth", "grid", "varies"} & set(found)
    assert described.of(replace(CELL, stage="agree", architecture="gone"), context) == {}


def test_a_library_says_what_it_is_like(context: dict[str, object]) -> None:
    found = described.of(replace(CELL, library="captum", method="saliency"), context)
    assert found["like"] == "saliency" and found["difference"] and "same_with" in found
    assert described.offer("captum", "gone") == {} == described.offer("gone", "saliency")


def test_older_rows_are_filled_in_and_newer_ones_left() -> None:
    row = {"stage": "time", "task": "heatmap", "method": "grad_cam", "library": "",
           "score": "logit",
           "dataset": "digits", "architecture": "cnn-48-32-16", "layer": "", "batch": 64,
           "precision": "float32", "mode": "compiled", "options": [], "cell_id": "a"}  # fmt: skip
    eager = {**row, "mode": "eager", "cell_id": "b"}
    newer = {**row, "image_hw": "9x9", "node": "mine"}
    unknown = {**row, "architecture": "gone", "cell_id": "c"}
    older.fill({"asked": {"grid": "default", "batch": "64"}}, [row, eager, newer, unknown])
    assert (row["node"], row["image_hw"], row["classes"]) == ("relu3", "28x28", 10)
    assert row["depth"] == pytest.approx(6 / 8, abs=0.3) and row["grid"] == "default"
    assert (row["varies"], eager["varies"]) == ("", "mode")
    assert newer["node"] == "mine" and "grid" not in newer
    assert "node" not in unknown and unknown["varies"] == "architecture"
