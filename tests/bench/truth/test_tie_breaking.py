from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.record import sealed
from bench.record.cell import Cell
from bench.stages import agree
from bench.subject import explainer as explaining
from bench.subject.inputs import Subject
from bench.truth import again, tie_breaking, tolerance
from implementations.architecture import graph, weights

NODES = [
    {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 4, "kernel": 3},
    {"name": "relu1", "kind": "relu", "inputs": "conv1"},
    {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 6, "kernel": 3},
    {"name": "relu2", "kind": "relu", "inputs": "conv2"},
    {"name": "pool1", "kind": "max_pool", "inputs": "relu2", "size": 2, "stride": 2},
    {"name": "conv3", "kind": "conv", "inputs": "pool1", "filters": 8, "kernel": 3},
    {"name": "relu3", "kind": "relu", "inputs": "conv3"},
    {"name": "gap1", "kind": "global_average_pool", "inputs": "relu3"},
    {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 10},
]
FORM = {"input_shape": [28, 28, 1], "classes": 10, "nodes": NODES}
ARCHITECTURE = graph.parse(FORM, "pooled")
NEAR = tolerance.KINK["float64"]


@pytest.fixture
def tied() -> Subject:
    """Images of flat patches: in most windows of a max-pool the largest value is there twice."""
    flat = np.random.default_rng(0).random((6, 4, 4, 1), np.float32)
    images = np.kron(flat, np.ones((1, 7, 7, 1), np.float32))
    tensors = weights.initialise(ARCHITECTURE, 3)
    fill = np.zeros(1, np.float32)
    return Subject(ARCHITECTURE, tensors, images, np.zeros(6, np.int32), None, True, fill)


def cell_of(framework: str, method: str, layer: str) -> Cell:
    return Cell(
        stage="agree", framework=framework, method=method, dataset="digits", mode="eager",
        precision="float64", device="cpu", layer=layer, architecture="pooled", score="logit",
    )  # fmt: skip


def stages_of(cell: Cell, about: Subject, targets: np.ndarray[Any, Any]) -> dict[str, Any]:
    explainer = explaining.build(
        cell, about.architecture, about.weights, explaining.method_of(cell).outputs
    )
    return agree.explain(explainer, about.images, targets)


ALL = np.arange(6)
DECIDING = tie_breaking._read_by_switches(ARCHITECTURE, "relu2")


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients", "grad_cam"])
def test_a_column_that_breaks_ties_otherwise_agrees(
    tied: Subject, method: str, tmp_path: Path
) -> None:
    cell = cell_of("pytorch", method, "relu2" if method == "grad_cam" else "")
    oracle = replace(cell, framework="reference")
    targets = np.zeros(6, np.int32)
    expected = stages_of(oracle, tied, targets)
    found = stages_of(cell, tied, targets)
    followed = tie_breaking.answer(cell, tied, targets, ALL, NEAR, 6, tmp_path)
    assert followed is not None
    led = np.isfinite(followed["gradients"]).all(axis=(1, 2, 3))
    for name in ("gradients", "heatmap", "upsampled"):
        right = np.where(led.reshape(-1, *[1] * (followed[name].ndim - 1)), followed[name],
                         expected[name])  # fmt: skip
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(found[name], right, rtol=0, atol=1e-12 * scale)


def test_who_follows_itself_decides_nothing(tied: Subject, tmp_path: Path) -> None:
    cell = cell_of("reference", "saliency", "")
    followed = tie_breaking.answer(
        cell, tied, np.zeros(6, np.int32), np.array([1, 4]), NEAR, 4, tmp_path
    )
    assert followed is not None
    for name in ("gradients", "heatmap", "upsampled"):
        assert len(followed[name]) == 2 and np.isnan(followed[name]).all()


def test_what_was_kept_in_other_last_bits_decides_nothing(tied: Subject, tmp_path: Path) -> None:
    cell, targets, first = cell_of("reference", "saliency", ""), np.zeros(6, np.int32), ALL[:1]
    assert tie_breaking.answer(cell, tied, targets, first, NEAR, 4, tmp_path)
    (path,) = tmp_path.glob("*-plain-*")
    kept = sealed.load(path)
    sealed.save(path, {**kept, "gradients": again.digest(np.ones(3))})
    followed = tie_breaking.answer(cell, tied, targets, first, NEAR, 4, tmp_path)
    assert followed is not None and np.isnan(followed["gradients"]).all()


def test_a_tie_broken_otherwise_is_excused_and_a_wrong_gradient_is_not(
    tied: Subject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cell = cell_of("reference", "grad_cam", "relu2")
    targets = np.zeros(6, np.int32)
    expected = stages_of(cell, tied, targets)
    expected |= {"targets": targets, "logit_terms": np.zeros(6), "logit_count": np.array(1)}
    # A column that is the oracle but for the last bit of what the max-pool reads.
    exact = tie_breaking._reader(cell, tied, DECIDING)(tied.images, ALL, 6)
    noise = 1 + 1e-15 * np.random.default_rng(1).normal(size=exact["relu2"].shape)
    other = {**exact, "relu2": exact["relu2"] * noise}
    monkeypatch.setattr(tie_breaking, "_reader", lambda *_: lambda *_: other)
    moved = tie_breaking.answer(cell, tied, targets, ALL, NEAR, 6, tmp_path)
    assert moved is not None
    error = np.abs(moved["gradients"] - expected["gradients"]).max()
    assert error > 1e-3 * np.abs(expected["gradients"]).max()
    gate = tolerance.gate_of(cell, tied, expected, tmp_path)
    row = tolerance.compare("gradients", moved, expected, gate)
    assert row["agree"] is True and row["kinks"] and row["share_within"] < 1
    assert all(after <= gate.tolerance for *_, after in row["kinks"])

    wrong = {"gradients": moved["gradients"] * 1.01}
    assert tolerance.compare("gradients", wrong, expected, gate)["agree"] is False


def test_ties_of_a_baseline_are_followed_too(
    tied: Subject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of a grey picture all of a pool's windows are ties. Any choice of theirs has the same sum."""
    cell = replace(cell_of("reference", "deep_lift", ""), options=(("baseline", "0.5"),))
    targets = np.zeros(6, np.int32)
    expected = stages_of(cell, tied, targets)
    exact, draw = tie_breaking._reader(cell, tied, DECIDING), np.random.default_rng(1)

    def other(images: Any, chosen: Any, chunk: int) -> dict[str, Any]:
        read = exact(images, chosen, chunk)
        if images is tied.images:
            return read
        return {name: x * (1 + 1e-15 * draw.normal(size=x.shape)) for name, x in read.items()}

    monkeypatch.setattr(tie_breaking, "_reader", lambda *_: other)
    found = tie_breaking.answer(cell, tied, targets, ALL, NEAR, 6, tmp_path)
    assert found is not None and np.isfinite(found["signed"]).all()
    scale = np.abs(expected["signed"]).max()
    assert np.abs(found["signed"] - expected["signed"]).max() > 1e-3 * scale
    sums, right = (each["signed"].sum(axis=(1, 2)) for each in (found, expected))
    np.testing.assert_allclose(sums, right, rtol=0, atol=1e-10 * scale)


@pytest.mark.parametrize(
    ("method", "precision"),
    [("integrated_gradients", "float32"), ("occlusion", "float64"), ("grad_cam", "float64")],
)
def test_without_a_gradient_or_a_switch_or_with_many_in_float32_nothing_is_followed(
    tied: Subject, method: str, precision: str, tmp_path: Path
) -> None:
    cell = replace(cell_of("pytorch", method, ""), precision=precision)
    followed = tie_breaking.answer(cell, tied, np.zeros(6, np.int32), ALL, NEAR, 6, tmp_path)
    assert followed is None or all(np.isnan(array).all() for array in followed.values())
