"""The table of imports: what rounding alone moves, and what its counts say of rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.imports import condition, table
from experiments.imports.computed import errors, explained, smallest_first
from implementations import frameworks
from implementations.architecture import graph, registered, weights
from implementations.oracle import runtime
from implementations.oracle.nodes import forward

FORM: dict[str, Any] = {
    "input_shape": [8, 8, 3], "classes": 3,
    "nodes": [
        {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 6, "kernel": 3,
         "padding": "valid"},
        {"name": "relu1", "kind": "relu", "inputs": "conv1"},
        {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 4, "kernel": 3},
        {"name": "relu2", "kind": "relu", "inputs": "conv2"},
        {"name": "pool", "kind": "global_average_pool", "inputs": "relu2"},
        {"name": "dense1", "kind": "dense", "inputs": "pool", "units": 3},
    ],
}  # fmt: skip


def kept(folder: Path, offset: float = 0.0) -> Path:
    """A network as `exported` leaves it; `offset` is added to the pixels, less what cancels it."""
    folder.mkdir(parents=True)
    architecture = graph.parse({**FORM, "name": "net"}, "net")
    tensors = dict(weights.randomise(architecture, 3))
    kernel = tensors["conv1.kernel"]
    tensors["conv1.kernel"] = kernel - kernel.mean(axis=(0, 1, 2)) if offset else kernel
    images = np.float32(offset) + np.random.default_rng(1).random((2, 8, 8, 3), np.float32)
    answer = explained("reference", runtime, architecture, tensors, images)
    (folder / registered.IN_FOLDER).write_text(json.dumps(graph.document(architecture)))
    weights.save(folder / registered.WEIGHTS_IN_FOLDER, tensors)
    np.savez(folder / "answer.npz", images=images, **answer)
    return folder


def test_rounding_alone_is_some_units_of_the_last_place_and_more_where_terms_cancel(
    tmp_path: Path,
) -> None:
    mild, ill = (condition.conditions(kept(tmp_path / str(n), n)) for n in (0.0, 1000.0))
    assert set(mild) == {f"{way}{what}" for way in condition.WAYS for what in ("", "_grad_cam")}
    assert all(0 < moved < 1e-6 for moved in mild.values())
    assert ill["given_grad_cam"] > 30 * mild["given_grad_cam"]
    assert ill["stored_grad_cam"] < 1e-6  # the cancelling sum itself is exact there


@pytest.mark.parametrize("groups", [1, 2])
def test_sums_are_rounded_one_after_the_other(groups: int) -> None:
    settings: dict[str, Any] = {
        "filters": 4, "kernel": 3, "stride": 2, "padding": [[1, 0], [2, 1]], "groups": groups,
        "bias": False,
    }  # fmt: skip
    form = {**FORM, "name": "net", "input_shape": [9, 9, 4], "nodes": list(FORM["nodes"])}
    form["nodes"][0] = {"name": "conv1", "kind": "conv", "inputs": "input", **settings}
    node = graph.parse(form, "net")["conv1"]
    draws = np.random.default_rng(0)
    kernel, images = draws.random((3, 3, 4 // groups, 4)), draws.random((2, 9, 9, 4))
    found = condition.convolved(node, {"kernel": kernel}, images.astype(np.float32))
    np.testing.assert_allclose(found, forward(node, {"kernel": kernel}, [images]), rtol=1e-6)
    # A thousand ones upon 2^24: each is half a unit, and lost.
    row = np.array([[2.0**24, *np.ones(1000)]])
    assert condition.product(row, np.ones((1001, 1)))[0, 0] == 2.0**24
    assert condition.joined(row, np.ones((1, 1, 1, 1001))).item() == 2.0**24


def test_values_move_by_half_a_unit() -> None:
    values = np.random.default_rng(0).standard_normal(100)
    ratios = condition.moved(values, 0) / values - 1
    np.testing.assert_allclose(np.abs(ratios), condition.HALF, rtol=1e-6)
    assert 20 < np.sum(ratios > 0) < 80
    np.testing.assert_array_equal(condition.single(np.array([1 + condition.HALF / 2])), [1.0])


def test_a_column_is_held_to_what_was_kept(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    folder = kept(tmp_path / "work" / "source net")
    assert smallest_first(str(tmp_path / "work"), "source") == [folder]
    assert smallest_first(str(tmp_path / "work"), "other") == []
    single, double = (errors("pytorch", precision, folder) for precision in table.GATES)
    assert 0 < single["error"] < 1e-6 and 0 < single["grad_cam"] < 1e-6
    assert double["error"] < 1e-14 and double["grad_cam"] < 1e-14
    assert single["same_top"] and double["same_top"]


def test_counts_are_of_networks_whatever_wrote_them() -> None:
    fine = {f"{c.label}_{p}": 1e-16 for c in frameworks.columns() for p in table.GATES}
    maps = {f"{name}_grad_cam": 1e-7 for name in fine if name.endswith("32")}
    moved = dict(zip(table.MOVED, (1e-8, 3e-6, 2e-7), strict=True))
    about = {"reason": "", "parameters": 7, "evaluator_float64": 1e-16, "onnxruntime_float32": 1e-7}
    rows = [
        {"source": "torchvision, legacy", "network": "a", "status": "imported", **about, **fine},
        {"source": "torchvision, dynamo", "network": "a", "status": "refused", **about},
        {"source": "timm, legacy", "network": "b", "status": "imported", **about, **maps, **moved},
        {"source": "timm, legacy", "network": "c", "status": table.NOT_YET, "reason": ""},
        {"source": "flax, jax2onnx", "network": "d", "status": "imported", **about},
    ]
    said = table.markdown(rows)
    assert "Of the 3 networks of torchvision, keras.applications, timm, onnx zoo, 2 were" in said
    assert "computes some layers in float32): 1 of 3 networks;" in said
    assert "| pytorch | float32 | 1 | 1 | 1 | 1 | 1 |" in said
    assert "| 1e-8 / 3e-6 / 2e-7 | 1e-5 |" in said and "Not tried yet of timm, legacy: c." in said
    assert not any(map(table.wrong, rows))
    faults = [
        ("jax_float32", 2e-4), ("jax_float64", "it ended"), ("same_top", False),
        ("pytorch_float64_grad_cam", 2e-12), ("evaluator_float64", float("nan")),
    ]  # fmt: skip
    assert all(table.wrong({**rows[0], name: value}) for name, value in faults)
    assert not table.wrong({**rows[2], "jax_float32_grad_cam": 1.1e-5})
    assert table.wrong({**rows[2], "jax_float32_grad_cam": 1.3e-5})
