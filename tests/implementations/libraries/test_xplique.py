"""Xplique in the environment it has to itself: our Grad-CAM, at the image's size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.engine import processes
from bench.engine.environment import environment
from bench.record.cell import Cell
from bench.subject.heatmaps import relative_error
from implementations import libraries
from implementations.arrays import resize

SIZE = (26, 15)
XPLIQUE = libraries.describe("xplique")


@pytest.mark.parametrize("layer", ["relu1", "pool1", "relu2"])
def test_grad_cam_is_ours_resized(explained: Any, oracle: Any, layer: str) -> None:
    maps = explained("xplique", "tensorflow").maps
    heatmap = maps[f"float32 {layer} logit"]
    assert heatmap.shape == (5, *SIZE) and heatmap.dtype == np.float32
    # Bicubic goes through the values of a map of one value, and near those of any other.
    ours = oracle(layer, "logit")["heatmap"]
    near = resize(ours, SIZE)
    if layer == "relu1":  # of the image's own size: nothing is resized
        assert ours.shape[1:] == SIZE
        signed = oracle(layer, "logit")["signed"]
        assert (relative_error(heatmap, ours, signed) <= 1e-5).all()
    assert (relative_error(heatmap, near, near) < 0.35).all()
    centres = relative_error(heatmap.mean(axis=(1, 2)), near.mean(axis=(1, 2)), near)
    assert (centres < 0.1).all()


def test_what_it_cannot_explain_is_said(explained: Any) -> None:
    found = explained("xplique", "tensorflow").found
    assert "'pad1' is not the output of one Keras layer" in found["float32 pad1 logit"]
    refused = {
        found[f"{p} relu1 {s}"] for p, s in (("float32", "probability"), ("float64", "logit"))
    }
    assert refused == {"Xplique is asked for logits in float32 only"}
    assert found["float32 relu1 logit"] == 5


def test_its_cells_run_in_its_environment() -> None:
    cell = Cell(
        stage="time", framework="keras", backend="tensorflow", library="xplique", method="grad_cam",
        dataset="digits", architecture="cnn-32-16-8",
    )  # fmt: skip
    python = environment(cell).get("CAMPARISON_PYTHON")
    assert python == (str(XPLIQUE.python) if XPLIQUE.python else None)
    other = Cell(
        stage="time", framework="keras", backend="tensorflow", library="eli5", method="grad_cam",
        dataset="digits", architecture="cnn-32-16-8",
    )  # fmt: skip
    assert "CAMPARISON_PYTHON" not in environment(other)
    jobs = processes.plan("bench.stages.time.timing", [cell, other], {}, 1, isolate=False)
    assert len(jobs) == (2 if XPLIQUE.python else 1)
