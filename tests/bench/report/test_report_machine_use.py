from __future__ import annotations

import math
from typing import Any

import pytest

from bench.report.tables import machine_use

COMPILED = {"mode": "compiled", "cores_in_use": 1.03, "peak_share": 0.25}
TUNED = {"mode": "tuned", "cores_in_use": 1.7, "peak_share": 0.5}


def test_where_no_cores_were_measured_there_is_no_table(make: Any) -> None:
    assert machine_use.make(make.frame(make.times("jax", [1.0]))).data.empty


def test_plain_and_tuned_stand_beside_each_other(make: Any) -> None:
    forward = {"task": "forward", "method": "", "layer": ""}
    rows = make.times("jax", [20.0, 20.1, 20.2], **COMPILED)
    rows += make.times("jax", [10.0] * 3, **TUNED)
    rows += make.times("jax", [9.0] * 3, **TUNED, **forward)
    rows += make.times("jax", [99.0], **TUNED, library="torchcam")
    rows += make.times("jax", [99.0], **TUNED, layer="relu1")
    table = machine_use.make(make.frame(rows))
    shown = table.sections[0].frame
    told = ["what", "mode", "ms", "share of peak", "cores in use", "to its best"]
    assert shown[told].to_numpy().tolist() == [
        ["forward pass", "tuned", "9.00 (9.00–9.00)", "50 %", "1.70", "×1.00"],
        ["grad_cam", "compiled", "20.1 (20.0–20.2)", "25 %", "1.03", "×2.01"],
        ["grad_cam", "tuned", "10.0 (10.0–10.0)", "50 %", "1.70", "×1.00"],
    ]
    assert sorted(table.data["cores_in_use"]) == [1.03, 1.7, 1.7]


def test_grad_cam_is_over_the_best_forward_pass_of_its_column_in_any_mode(make: Any) -> None:
    forward = {"task": "forward", "method": "", "layer": "", "cores_in_use": 1.0}
    rows = make.times("jax", [10.0] * 3, **forward)
    rows += make.times("jax", [5.0] * 3, **forward, mode="xla")
    rows += make.times("jax", [12.0] * 3, cores_in_use=1.0)
    rows += make.times("jax", [5.1] * 3, cores_in_use=1.0, mode="compiled")
    rows += make.times("pytorch", [1.0] * 3, cores_in_use=1.0)
    table = machine_use.make(make.frame(rows))
    data = table.data[table.data["task"] == "heatmap"].set_index(["column", "mode"])
    assert data.loc[("jax", "eager"), "forward_ratio"] == pytest.approx(2.4)
    assert data.loc[("jax", "compiled"), "forward_ratio"] == pytest.approx(1.02)
    assert math.isnan(data.loc[("pytorch", "eager"), "forward_ratio"])
    shown = table.sections[0].frame["of a forward pass"].tolist()
    assert shown == ["–", "–", "×2.40", "×1.02 ≈", "–"]
