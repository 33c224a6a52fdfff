from __future__ import annotations

from typing import Any

import pytest

from bench.report.tables import libraries
from implementations.libraries import describe

CAPTUM = {"library": "captum", "method": "layer_grad_cam", "layer": ""}
RELU = [["relu_attributions", "true"]]


def ours(make: Any, column: str = "pytorch", **values: Any) -> list[dict[str, Any]]:
    rows = make.times(column, [20.0] * 3, max_rel=4e-7, tolerance=2e-6, **values)
    return [*rows, *make.times(column, [10.0] * 3, mode="compiled", max_rel=4e-7, **values)]


def test_without_a_library_there_is_no_table(make: Any) -> None:
    assert libraries.make(make.frame(ours(make))).data.empty


def test_each_option_set_against_ours_best_and_eager(make: Any) -> None:
    rows = ours(make) + make.times("pytorch", [40.0] * 3, **CAPTUM, max_rel=0.3)
    rows += make.times("pytorch", [30.0] * 3, **CAPTUM, options=RELU, max_rel=5e-7, tolerance=1e-5)
    table = libraries.make(make.frame(rows))
    shown = table.sections[0].frame.set_index("explainer")
    assert shown.index.tolist() == [
        "grad_cam, ours, compiled", "grad_cam, ours, eager",
        "captum.layer_grad_cam (relu_attributions=true)", "captum.layer_grad_cam",
    ]  # fmt: skip
    assert shown["to ours"].tolist() == ["×1.00", "×2.00", "×3.00", "×4.00"]
    assert shown["to ours, eager"].tolist() == ["×0.500", "×1.00", "×1.50", "×2.00"]
    assert shown["error"].tolist() == [
        "4e-07",
        "4e-07 of 2e-06",
        "5e-07 of 1e-05",
        "another map (0.300)",
    ]
    assert table.sections[0].title == "digits, cnn-gap, cpu, relu4, batch 10, float32"
    data = table.data[table.data["library"] == "captum"].set_index("options")
    assert data.loc["", "to_best"] == pytest.approx(4)
    assert data.loc["", "ms_per_image"] == pytest.approx(4)
    assert data.loc["relu_attributions=true", "to_eager"] == pytest.approx(1.5)
    assert data["like"].tolist() == ["grad_cam"] * 2


def test_how_an_offer_differs_is_told_by_its_own_words(make: Any) -> None:
    rows = ours(make) + make.times("pytorch", [40.0] * 3, **CAPTUM)
    table = libraries.make(make.frame(rows))
    last = table.sections[-1]
    assert last.title == "How they differ"
    (line,) = last.frame.to_dict("records")
    assert line["difference"] == describe("captum").offers["layer_grad_cam"].difference
    assert line["our map with"] == "relu_attributions=true"


def test_other_methods_are_held_against_what_they_are_like(make: Any) -> None:
    rows = ours(make) + ours(make, method="saliency", layer="", batch=5)
    captum = {"library": "captum", "method": "saliency", "layer": ""}
    rows += make.times("pytorch", [50.0] * 3, **captum, batch=5)
    table = libraries.make(make.frame(rows))
    shown = table.sections[0].frame.set_index("explainer")
    assert shown.index.tolist() == [
        "saliency, ours, compiled", "saliency, ours, eager", "captum.saliency"
    ]  # fmt: skip
    assert shown.loc["captum.saliency", "to ours"] == "×5.00"


@pytest.mark.parametrize(
    "other", [{"batch": 1}, {"layer": "relu1"}, {"precision": "float64"},
              {"run_id": "time-20240101T000000-m1"}]
)  # fmt: skip
def test_no_factor_to_ours_of_another_cell_or_run(make: Any, other: dict[str, Any]) -> None:
    rows = ours(make, **other) + ours(make, "jax") + make.times("pytorch", [40.0] * 3, **CAPTUM)
    table = libraries.make(make.frame(rows))
    assert table.data["library"].tolist() == ["captum"]
    assert table.sections[0].frame["to ours"].tolist() == ["–"]


def test_a_library_that_failed_or_is_gone_keeps_its_line(make: Any) -> None:
    rows = ours(make)
    rows += [make.row("time", "pytorch", **CAPTUM, status="wrong", reason="disagrees", max_rel=0.1)]
    rows += make.times("pytorch", [5.0] * 3, library="no_such_library", method="grad_cam")
    table = libraries.make(make.frame(rows))
    section = table.sections[0]
    shown = section.frame.set_index("explainer")
    assert shown.loc["captum.layer_grad_cam", "ms per image"] == "wrong (1)"
    assert shown.loc["captum.layer_grad_cam", "error"] == "another map (0.100)"
    assert shown.loc["captum.layer_grad_cam", "to ours"] == "–"
    assert shown.loc["no_such_library.grad_cam", "to ours"] == "–"
    assert section.told == ("(1) wrong: disagrees",)


def test_what_cannot_be_told_apart_is_marked(make: Any) -> None:
    rows = ours(make) + make.times("pytorch", [10.2] * 3, **CAPTUM)
    table = libraries.make(make.frame(rows))
    shown = table.sections[0].frame.set_index("explainer")
    assert shown.loc["captum.layer_grad_cam", "to ours"] == "×1.02 ≈"
    assert any(note.startswith("≈") for note in table.sections[0].notes)


def test_many_evaluations_are_held_against_as_many(make: Any) -> None:
    at_input = {"layer": "", "batch": 1}
    rows = ours(make, method="partition_shap", evaluations=1800, **at_input)
    shap = {"library": "shap", "method": "partition", **at_input}
    rows += make.times("pytorch", [30.0] * 3, evaluations=600, **shap)
    rows += make.times("pytorch", [30.0] * 3, options=[["max_evals", "9"]], **shap)
    shown = libraries.make(make.frame(rows)).sections[0].frame.set_index("explainer")
    assert shown.loc["shap.partition", "to ours"] == "×3.00"
    assert shown.loc["shap.partition", "to ours, an evaluation"] == "×9.00"
    assert shown.loc["shap.partition", "evaluations"] == "600"
    assert shown.loc["shap.partition (max_evals=9)", "to ours, an evaluation"] == "–"
    few = [*ours(make, evaluations=1), *make.times("pytorch", [40.0] * 3, **CAPTUM, evaluations=1)]
    shown = libraries.make(make.frame(few)).sections[0].frame.set_index("explainer")
    assert shown.loc["captum.layer_grad_cam", "to ours, an evaluation"] == "–"
