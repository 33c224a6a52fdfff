from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.record.cell import Cell
from bench.stages.time import clocked, timed
from implementations import libraries
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
    alone = replace(theirs, library="pytorch_grad_cam", method="kpca_cam")
    assert (timed.our_cell(alone).library, timed.our_cell(alone).method) == ("", "grad_cam")


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


@pytest.mark.parametrize(
    ("library", "method"),
    [
        ("torchcam", "is_cam"),
        ("pytorch_grad_cam", "random_cam"),
        ("captum", "saliency"),
        ("captum", "noise_tunnel_vargrad"),
    ],
)
def test_a_library_is_timed_whether_or_not_a_method_of_ours_is_like_it(
    small: Any, library: str, method: str
) -> None:
    """Also where it draws other numbers for each image of a batch: then its answer is not asked."""
    about = libraries.describe(library)
    if about.missing:
        pytest.skip(about.missing)
    cell = Cell(
        stage="time", framework="pytorch", dataset="digits", architecture="cnn-32-16-8",
        task="heatmap", batch=3, mode="eager", library=library, method=method, weights="initial",
    )  # fmt: skip
    ready = clocked.TASKS["heatmap"](cell, small.context)
    answer = ready.barriered(ready.inputs[0])
    row = ready.check(answer)
    assert row.get("nan_count", 0) == 0 and row.get("agree", True) is True, row
    for _ in range(2):
        draw = ready.fresh.draw()
        timed_answer = ready.barriered(draw.input)
        found = timed_answer if isinstance(timed_answer, np.ndarray) else timed_answer.numpy()
        ready.fresh.keep(draw, found)
    again = ready.fresh.again()
    assert again.get("agree", True) is True, again
    assert ("agree" in again) is (method in ("is_cam", "saliency"))


@pytest.mark.parametrize(("method", "depends"), [("deconvolution", False), ("saliency", True)])
def test_one_answer_to_two_inputs_is_right_where_the_oracle_has_one_too(
    small: Any, method: str, depends: bool
) -> None:
    """A deconvolution through no pooling depends on the class alone."""
    pytest.importorskip("torch")
    cell = Cell(
        stage="time", framework="pytorch", dataset="digits", architecture="cnn-32-16-8",
        task="heatmap", batch=3, mode="eager", method=method, weights="initial",
    )  # fmt: skip
    ready = clocked.TASKS["heatmap"](cell, small.context)
    one, other = (ready.barriered(given).numpy() for given in ready.inputs)
    assert np.array_equal(one, other) is not depends
    assert ready.doubt(one, other) == "" and ("beforehand" in ready.doubt(one, one)) is depends
