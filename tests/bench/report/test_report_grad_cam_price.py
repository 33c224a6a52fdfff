from __future__ import annotations

from typing import Any

import pytest

from bench.report.tables import grad_cam_price

FORWARD = {"task": "forward", "method": "", "layer": ""}


def test_without_a_forward_pass_there_is_no_table(make: Any) -> None:
    assert grad_cam_price.make(make.frame(make.times("jax", [1.0]))).data.empty


def test_over_the_best_forward_pass_of_any_mode(make: Any) -> None:
    rows = make.times("jax", [10.0] * 3, **FORWARD)
    rows += make.times("jax", [5.0] * 3, **FORWARD, mode="xla")
    rows += make.times("jax", [12.0] * 3) + make.times("jax", [6.0] * 3, mode="compiled")
    table = grad_cam_price.make(make.frame(rows))
    data = table.data.set_index("mode")
    assert data.loc["eager", "ratio"] == pytest.approx(2.4)
    assert data.loc["compiled", "ratio"] == pytest.approx(1.2)
    assert set(data["forward_mode"]) == {"xla"}
    assert data["best_mode"].to_dict() == {"compiled": True, "eager": False}
    shown = table.sections[0].frame
    assert shown["ratio"].tolist() == ["×1.20"]  # the CSV has the slower mode
    assert shown["best forward pass, ms"][0] == "5.00 (5.00–5.00)"
    assert shown["its mode"][0] == "xla"


def test_share_of_the_peak_and_cores(make: Any) -> None:
    rows = make.times("jax", [5.0] * 3, **FORWARD, peak_share=0.5, cores_in_use=1.5)
    rows += make.times("jax", [5.1] * 3, peak_share=0.4, cores_in_use=1.9)
    table = grad_cam_price.make(make.frame(rows))
    shown = table.sections[0].frame.iloc[0]
    assert (shown["share of peak"], shown["forward's share"]) == ("40 %", "50 %")
    assert shown["cores in use"] == "1.90"
    assert shown["ratio"] == "×1.02 ≈"
    (line,) = table.data.to_dict("records")
    assert (line["peak_share"], line["forward_peak_share"]) == (0.4, 0.5)
    assert (line["cores_in_use"], line["forward_cores_in_use"]) == (1.9, 1.5)


@pytest.mark.parametrize(
    "other", [{"batch": 1}, {"precision": "float64"}, {"weights": "random"}, {"threads": 1},
              {"run_id": "time-20240101T000000-m1"}, {"architecture": "cnn-32-16"}]
)  # fmt: skip
def test_nothing_else_is_the_same_forward_pass(make: Any, other: dict[str, Any]) -> None:
    rows = make.times("jax", [5.0] * 3, **FORWARD | other) + make.times("jax", [6.0] * 3)
    rows += make.times("pytorch", [1.0] * 3, **FORWARD)
    assert grad_cam_price.make(make.frame(rows)).data.empty


def test_libraries_and_other_methods_have_tables_of_their_own(make: Any) -> None:
    rows = make.times("pytorch", [5.0] * 3, **FORWARD)
    rows += make.times("pytorch", [6.0] * 3, library="torchcam")
    rows += make.times("pytorch", [6.0] * 3, method="saliency")
    assert grad_cam_price.make(make.frame(rows)).data.empty


def test_a_line_for_each_layer_and_batch_the_deepest_first(make: Any) -> None:
    rows = []
    for batch in (64, 8):
        rows += make.times("jax", [1.0 * batch] * 3, **FORWARD, batch=batch)
        for layer, factor in (("relu1", 2.0), ("", 1.1)):
            rows += make.times("jax", [factor * batch] * 3, layer=layer, batch=batch)
    table = grad_cam_price.make(make.frame(rows))
    shown = table.sections[0].frame
    assert shown["layer"].tolist() == ["relu4", "relu4", "relu1", "relu1"]
    assert shown["batch"].tolist() == ["8", "64"] * 2
    assert shown["ratio"].tolist() == ["×1.10", "×1.10", "×2.00", "×2.00"]


def test_other_precisions_are_in_the_csv_only_where_float32_is_there(make: Any) -> None:
    rows = []
    for precision in ("bfloat16", "float32"):
        rows += make.times("jax", [5.0] * 3, **FORWARD, precision=precision)
        rows += make.times("jax", [6.0] * 3, precision=precision)
    table = grad_cam_price.make(make.frame(rows))
    assert table.data["precision"].tolist() == ["float32", "bfloat16"]
    assert len(table.sections[0].frame) == 1
    assert "precision" not in table.sections[0].frame
    table = grad_cam_price.make(make.frame(rows[:6]))
    assert table.sections[0].title.endswith("bfloat16")
