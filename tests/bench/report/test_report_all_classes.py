from __future__ import annotations

from typing import Any

import pytest

from bench.report.tables import all_classes

EVERY = "grad_cam_all_classes"


def pair(make: Any, one: float, every: float, **values: Any) -> list[dict[str, Any]]:
    rows = make.times("jax", [one] * 3, **{"flops": 2e9, **values})
    return [*rows, *make.times("jax", [every] * 3, method=EVERY, **{"flops": 3e9, **values})]


def test_without_all_classes_there_is_no_table(make: Any) -> None:
    assert all_classes.make(make.frame(make.times("jax", [1.0]))).data.empty


def test_all_over_one_with_the_ratio_of_operations(make: Any) -> None:
    table = all_classes.make(make.frame(pair(make, 10.0, 18.0)))
    (line,) = table.data.to_dict("records")
    assert line["ratio"] == pytest.approx(1.8)
    assert line["one_class_ms"] == 10.0
    assert line["ms"] == 18.0
    assert line["counted_ratio"] == pytest.approx(1.5)
    assert line["real"]
    (section,) = table.sections
    assert section.title == "digits, cnn-gap, cpu, relu4, batch 10, float32"
    assert section.frame.iloc[0].to_dict() == {
        "column": "jax", "mode": "eager",
        "all classes, ms": "18.0 (18.0–18.0)", "one class, ms": "10.0 (10.0–10.0)",
        "ratio": "×1.80", "real": "yes", "operations": "×1.50",
    }  # fmt: skip


def test_a_difference_within_the_rule_is_not_real(make: Any) -> None:
    table = all_classes.make(make.frame(pair(make, 10.0, 10.3)))
    assert not table.data["real"][0]
    assert table.sections[0].frame["real"][0] == "no"


@pytest.mark.parametrize(
    "other", [{"mode": "compiled"}, {"layer": "relu1"}, {"batch": 1}, {"precision": "float64"},
              {"run_id": "time-20240101T000000-m1"}, {"threads": 1}]
)  # fmt: skip
def test_only_the_very_same_cell_is_held_against_it(make: Any, other: dict[str, Any]) -> None:
    rows = make.times("jax", [10.0] * 3, **other) + make.times("jax", [18.0] * 3, method=EVERY)
    table = all_classes.make(make.frame(rows))
    assert "ratio" not in table.data
    assert table.sections[-1].frame["ratio"].tolist() == ["–"]
    assert table.sections[-1].frame["all classes, ms"].tolist() == ["18.0 (18.0–18.0)"]


def test_the_default_layer_is_the_deepest_by_name(make: Any) -> None:
    rows = make.times("jax", [10.0] * 3, layer="relu4")
    rows += make.times("jax", [20.0] * 3, layer="", method=EVERY)
    rows += make.times("jax", [90.0] * 3, layer="relu1", method=EVERY)
    table = all_classes.make(make.frame(rows))
    assert table.data["ratio"].tolist()[0] == pytest.approx(2)
    assert table.data["layer"].tolist() == ["relu4", "relu1"]


def test_marks_and_reasons(make: Any) -> None:
    rows = pair(make, 10.0, 18.0, stable=False)
    wrong = {"status": "wrong", "reason": "max_rel 1", "method": EVERY}
    rows += make.times("pytorch", [10.0] * 3, code_hash="old")
    rows += [make.row("time", "pytorch", **wrong)]
    table = all_classes.make(make.frame(rows))
    shown = table.sections[0].frame.set_index("column")
    assert shown.loc["jax", "all classes, ms"].endswith("~")
    assert shown.loc["pytorch", "all classes, ms"] == "wrong (1)"
    assert shown.loc["pytorch", "one class, ms"].endswith("†")
    assert shown.loc["pytorch", "ratio"] == "–"
    assert table.sections[0].told == ("(1) wrong: max_rel 1",)
    assert table.data.set_index("column").loc["pytorch", "status"] == "wrong"
