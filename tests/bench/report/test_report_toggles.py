from __future__ import annotations

from typing import Any

import pytest

from bench.report.same_run import places
from bench.report.tables import toggles

BASE = {"architecture": "cnn-48-32-16", "mode": "compiled", "batch": 64, "layer": ""}
FORWARD = {"task": "forward", "method": ""}


def cell(make: Any, ms: float, column: str = "jax", **values: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = make.times(column, [ms] * 3, **BASE | values)
    return rows


def grid(make: Any) -> list[dict[str, Any]]:
    rows = cell(make, 10.0) + cell(make, 8.0, **FORWARD)
    rows += cell(make, 2.0, batch=8) + cell(make, 20.0, layer="relu1")
    rows += cell(make, 15.0, layer="relu2") + cell(make, 25.0, precision="float64")
    rows += cell(make, 16.0, **FORWARD, precision="float64")
    rows += cell(make, 40.0, batch=256) + cell(make, 60.0, batch=256, allocator="system")
    rows += cell(make, 30.0, method="saliency") + cell(make, 40.0, method="occlusion", batch=8)
    return rows + cell(make, 5.0, architecture="cnn-32-16-8", weights="random")


def test_the_base_alone_is_no_table(make: Any) -> None:
    rows = cell(make, 10.0) + cell(make, 8.0, **FORWARD) + cell(make, 9.0, mode="eager")
    assert toggles.make(make.frame(rows)).data.empty


def test_each_factor_against_its_base(make: Any) -> None:
    table = toggles.make(make.frame(grid(make)))
    found = {
        (line["factor"], line["value"], line["task"]): line["ratio"]
        for line in table.data.to_dict("records")
        if line["factor"] != "base"
    }
    expected = {
        ("layer", "relu1", "heatmap"): 2.0,
        ("layer", "relu2", "heatmap"): 1.5,
        ("precision", "float64", "heatmap"): 2.5,
        ("precision", "float64", "forward"): 2.0,
        ("architecture", "cnn-32-16-8", "heatmap"): 0.5,
        ("method", "saliency", "heatmap"): 3.0,
        ("method", "occlusion", "heatmap"): 20.0,
    }
    assert found == pytest.approx(expected)


def test_for_people_the_base_first_and_what_is_not_at_its_batch(make: Any) -> None:
    table = toggles.make(make.frame(grid(make)))
    (section,) = table.sections
    assert section.title == "digits, cnn-48-32-16, cpu"
    shown = section.frame
    assert shown["changed"].tolist() == [
        "base", "base", "layer", "layer", "precision", "precision", "architecture", "method",
        "method",
    ]  # fmt: skip
    by_value = shown.set_index("to")
    assert by_value.loc["relu1", "jax"] == "0.312 (0.312–0.312) ×2.00"
    assert by_value.loc["occlusion", "batch"] == "8"
    assert shown["jax"][1] == "0.156 (0.156–0.156)"
    assert shown["batch"].tolist()[:2] == ["64", "64"]


def test_two_factors_at_once_are_not_compared(make: Any) -> None:
    rows = cell(make, 10.0) + cell(make, 8.0, layer="relu1", precision="float64")
    rows += cell(make, 8.0, method="grad_cam_all_classes", layer="relu1")
    rows += cell(make, 8.0, method="saliency", precision="float64")
    rows += cell(make, 8.0, architecture="cnn-32-16-8", precision="float64")
    rows += cell(make, 8.0, library="captum", method="saliency", column="pytorch")
    assert toggles.make(make.frame(rows)).data.empty


def test_another_network_is_taken_at_its_own_deepest_layer(make: Any) -> None:
    rows = cell(make, 10.0) + cell(make, 20.0, layer="relu1")
    other = {"architecture": "cnn-gap", "dataset": "shapes"}
    rows += cell(make, 30.0, **other, layer="relu4") + cell(make, 90.0, **other, layer="relu1")
    table = toggles.make(make.frame([*rows, *cell(make, 1.0, method="saliency")]))
    data = table.data[table.data["factor"] == "architecture"]
    assert data["value"].tolist() == ["cnn-gap (shapes)"]
    assert data["ratio"].tolist() == pytest.approx([3.0])


def test_columns_and_runs_are_held_against_their_own_base(make: Any) -> None:
    rows = cell(make, 10.0) + cell(make, 20.0, layer="relu1")
    rows += cell(make, 90.0, column="pytorch", layer="relu1")
    rows += cell(make, 5.0, column="pytorch", run_id="time-20240101T000000-m1")
    table = toggles.make(make.frame(rows))
    assert set(table.data["column"]) == {"jax"}
    assert len(table.sections) == 1


def test_no_base_without_compiled_grad_cam(make: Any) -> None:
    rows = cell(make, 8.0, **FORWARD) + cell(make, 9.0, mode="eager")
    assert toggles.steps(places(make.frame(rows))) == []
    assert toggles.make(make.frame(rows)).data.empty
