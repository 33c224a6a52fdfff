from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.record.cell import Cell
from bench.stages import agree
from bench.subject.explainer import build, method_of
from bench.subject.inputs import subject
from bench.subject.names import pick_columns
from bench.subject.request import Request
from bench.truth import answers
from implementations import methods
from implementations.architecture import weights
from implementations.architecture.registered import get


def test_measure_names_the_first_stage_that_is_wrong(small: Any) -> None:
    cell, context = small.cell, small.context
    rows = list(agree.measure(cell, context))
    assert [row["compared"] for row in rows] == [
        "logits", "activations", "gradients", "weights", "signed", "heatmap", "upsampled",
    ]  # fmt: skip
    assert all(row["agree"] is True and row["max_rel"] == 0 for row in rows)
    assert rows[0]["n_images"] == context["n_images"] and rows[0]["verified"] is True

    about = subject(cell, context)
    path = answers.answer_path(cell, about, Path(context["oracle"]))
    answer = weights.load(path)
    wrong = answer["weights"] * 1.001
    weights.save(path, {**answer, "weights": wrong, "signed": answer["signed"] * 1.001})
    failed = [row["compared"] for row in agree.measure(cell, context) if not row["agree"]]
    assert failed == ["weights", "signed"]


def test_images_are_chunked_without_a_trace(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    about = subject(small.cell, small.context)
    explainer = build(small.cell, about.architecture, about.weights, method_of(small.cell).outputs)
    whole = agree.explain(explainer, about.images, about.labels)
    monkeypatch.setattr(agree, "CHUNK", 7)
    for name, array in agree.explain(explainer, about.images, about.labels).items():
        np.testing.assert_allclose(array, whole[name], rtol=1e-12, atol=1e-14)
        assert len(array) == len(about.images)


def test_places_are_first_middle_and_the_layer_that_is_explained_by_default() -> None:
    assert agree.places(methods.load("grad_cam"), get("cnn-32-16-8")) == ["relu1", "relu2", "relu3"]
    assert agree.places(methods.load("saliency"), get("cnn-32-16-8")) == [""]
    assert agree.places(methods.load("grad_cam"), get("mlp-512-100")) == []
    assert agree.places(methods.load("cam"), get("cnn-32-16-8")) == []
    assert agree.places(methods.load("cam"), get("cnn-gap")) == ["relu4"]
    # A residual network's last convolution goes into a sum, and that is what is explained.
    grad_cam, resnet = methods.load("grad_cam"), get("resnet-18")
    assert agree.places(grad_cam, resnet) == ["relu1", "relu10", grad_cam.layer(resnet, None)]


@pytest.fixture
def cells(small: Any) -> Callable[..., list[Cell]]:
    def of(thorough: bool, *names: str, brief: bool = False) -> list[Cell]:
        ask = Request(
            datasets=("digits",), architectures=(small.cell.architecture,),
            columns=pick_columns(["jax", "keras"]), methods=names,
        )  # fmt: skip
        network = ("digits", small.cell.architecture)
        return list(agree.cells(ask, small.context, [network], thorough, brief))

    return of


def test_cells_are_distinct_and_cover_the_toggles(cells: Callable[..., list[Cell]]) -> None:
    for thorough in (False, True):
        found = cells(thorough, "grad_cam", "saliency")
        assert len({cell.cell_id for cell in found}) == len(found)
        assert {cell.column.label for cell in found} == {
            "jax", "keras[tensorflow]", "keras[jax]", "keras[torch]",
        }  # fmt: skip
        assert {cell.weights for cell in found} == {"random", "trained"}
        ours = [cell for cell in found if cell.method == "grad_cam"]
        assert {cell.layer for cell in ours} == {"relu1", "relu2"}
        assert {cell.mode for cell in ours} == {"eager", "compiled"}
        assert {cell.precision for cell in ours} == {"float32", "float64"}
        assert {cell.score for cell in ours} == {"logit", "probability", "log_probability"}
    brief = cells(False, "grad_cam", "grad_cam_all_classes", brief=True)
    assert {cell.weights for cell in brief} == {"trained"}
    assert set(brief) < set(cells(False, "grad_cam", "grad_cam_all_classes"))
    places = {(cell.method, cell.layer) for cell in brief}
    assert places == {
        ("grad_cam", "relu1"),
        ("grad_cam", "relu2"),
        ("grad_cam_all_classes", "relu2"),
    }
    quick = {(cell.mode, cell.precision) for cell in cells(False, "saliency")}
    assert quick == {("eager", "float32")} and len(cells(True, "saliency")) > len(
        cells(False, "saliency")
    )


def test_a_sweep_of_a_large_network_compiles_grad_cam_alone(small: Any, tmp_path: Path) -> None:
    photographs = {"images": np.zeros((1, 227, 227, 3), np.float32), "classes": np.array(1000)}
    weights.save(tmp_path / "photographs.safetensors", photographs)
    ask = Request(
        datasets=("photographs",), architectures=("squeezenet-1.0",),
        columns=pick_columns(["jax"]), methods=("grad_cam", "layer_cam"),
    )  # fmt: skip
    context = {
        **small.context,
        "images": {"photographs": str(tmp_path / "photographs.safetensors")},
    }
    found = agree.cells(ask, context, [("photographs", "squeezenet-1.0")], thorough=True)
    assert {cell.method for cell in found if cell.mode == "compiled"} == {"grad_cam"}
    for thorough, layers in ((True, {"relu10"}), (False, set())):
        every = replace(ask, methods=("grad_cam_all_classes",))
        found = agree.cells(every, context, [("photographs", "squeezenet-1.0")], thorough=thorough)
        assert {cell.layer for cell in found} == layers


def test_likeness_is_of_maps_that_are_not_zero() -> None:
    maps = np.random.default_rng(0).random((5, 6, 7))
    maps[2] = 0
    same = agree.alike(maps, maps)
    assert same["spearman_min"] == pytest.approx(1) and same["topk_iou"] == 1
    assert agree.alike(-maps, maps)["pearson_median"] == pytest.approx(-1)
    # They are no agreement of anything: no correlation is taken over them.
    assert agree.alike(maps, np.zeros_like(maps)) == {}
    # Maps of every class are taken as one.
    every = np.stack([maps, 2 * maps, maps], axis=-1)
    assert agree.alike(every, every)["pearson_min"] == pytest.approx(1)
