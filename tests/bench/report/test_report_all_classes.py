from __future__ import annotations

from typing import Any

import pytest

from bench.report.tables import all_classes

EVERY = "grad_cam_all_classes"


def pair(make: Any, one: float, every: float, **values: Any) -> list[dict[str, Any]]:
    rows = make.times("jax", [one] * 3, **{"flops": 2e9, **values})
    return [*rows, *make.times("jax", [every] * 3, method=EVERY, **{"flops": 3e9, **values})]


def test_without_all_classes_there_is_no_table(make: Any) -> None:
    assert all_classes.make(make.frame(make.times("jax", [1.0]))) == []


def test_all_over_one_with_the_ratio_of_operations(make: Any) -> None:
    (table,) = all_classes.make(make.frame(pair(make, 10.0, 18.0)))
    (line,) = table.data.to_dict("records")
    assert line["ratio"] == pytest.approx(1.8)
    assert line["one_class_ms"] == 10.0
    assert line["ms"] == 18.0
    assert line["counted_ratio"] == pytest.approx(1.5)
    assert line["real"]
    shown = table.sections[0].frame.iloc[0]
    assert shown.to_dict() == {
        "layer": "relu4", "batch": "10", "column": "jax",
        "all classes, ms": "18.0 (18.0–18.0) eager", "one class, ms": "10.0 (10.0–10.0) eager",
        "ratio": "×1.80", "real": "yes", "ratio of operations": "×1.50",
    }  # fmt: skip


def test_a_difference_within_the_rule_is_not_real(make: Any) -> None:
    (table,) = all_classes.make(make.frame(pair(make, 10.0, 10.3)))
    assert not table.data["real"][0]
    assert table.sections[0].frame["real"][0] == "no"
