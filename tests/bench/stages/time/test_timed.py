from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.record.cell import Cell
from bench.stages.time import clocked, timed
from implementations.architecture import registered, weights


def test_the_right_answer_is_that_of_our_own_method() -> None:
    forward = Cell(
        stage="time", framework="pytorch", dataset="digits", architecture="cnn-32-16-8",
        task="forward", batch=2,
    )  # fmt: skip
    assert timed.our_cell(forward).method == "grad_cam"
    # Without a convolution there is no Grad-CAM; the logits are of any method's answer.
    flat = timed.our_cell(replace(forward, architecture="mlp-512-100"))
    assert (flat.task, flat.method) == ("heatmap", "saliency")
    theirs = replace(forward, task="heatmap", library="captum", method="layer_grad_cam")
    assert (timed.our_cell(theirs).library, timed.our_cell(theirs).method) == ("", "grad_cam")


def test_a_network_without_a_convolution_goes_forward_and_is_trained(
    small: Any, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    flat = tmp_path / "flat.safetensors"
    weights.save(flat, weights.initialise(registered.get("mlp-512-100"), 1))
    context = small.context | {"weights": {"digits/mlp-512-100/trained": str(flat)}}
    cell = Cell(
        stage="time", framework="pytorch", dataset="digits", architecture="mlp-512-100",
        task="forward", batch=3, mode="eager", weights="trained",
    )  # fmt: skip
    for task in ("forward", "train_step"):
        optimizer = "native" if task == "train_step" else ""
        ready = clocked.TASKS[task](replace(cell, task=task, optimizer=optimizer), context)
        row = ready.check(ready.barriered(ready.inputs[0]))
        assert row["agree"] is True and np.isfinite(row["max_rel"]), row
