from __future__ import annotations

import json
from typing import Any

import pytest

from bench.report.charts.selection import batches
from bench.report.figures import batch_scaling as figure
from bench.report.tables import batch_scaling as table

FORWARD = {"task": "forward", "method": "", "layer": ""}


def grown(make: Any, column: str, times: dict[int, float], **values: Any) -> list[dict[str, Any]]:
    return [r for n, ms in times.items() for r in make.times(column, [ms] * 3, batch=n, **values)]


def test_one_batch_gives_nothing(make: Any) -> None:
    rows = make.times("jax", [1.0], batch=1) + make.times("jax", [1.0], batch=8, mode="compiled")
    rows += make.times("jax", [1.0], batch=8, layer="relu1")
    rows += [make.row("time", "jax", batch=64, status="oom", reason="big")]
    frame = make.frame(rows)
    assert table.make(frame).data.empty
    assert list(figure.draw(frame)) == []


def test_each_image_against_batch_1(make: Any) -> None:
    rows = grown(make, "jax", {1: 2.0, 8: 4.0, 64: 32.0}, **FORWARD)
    made = table.make(make.frame(rows))
    data = made.data.set_index("batch")
    assert data["ms_per_image"].tolist() == [2.0, 0.5, 0.5]
    assert data["images_per_s"].tolist() == [500.0, 2000.0, 2000.0]
    assert data["speed_up"].tolist() == [1.0, 4.0, 4.0]
    assert data["real"].tolist() == [False, True, True]
    shown = made.sections[0].frame.iloc[0]
    assert shown["what"] == "forward pass"
    assert shown["batch 1"] == "2.00 (2.00–2.00)"
    assert shown["batch 64"] == "0.500 (0.500–0.500) ×4.00"


def test_without_single_images_nothing_is_held_against_them(make: Any) -> None:
    made = table.make(make.frame(grown(make, "jax", {8: 8.0, 64: 32.0})))
    assert "speed_up" not in made.data
    assert made.sections[0].frame["batch 8"][0] == "1.00 (1.00–1.00)"


def test_the_deepest_layer_in_float32_ours_only(make: Any) -> None:
    rows = grown(make, "pytorch", {1: 1.0, 8: 2.0}, layer="")
    for other in (
        {"layer": "relu1"}, {"layer": "", "precision": "float64"},
        {"layer": "", "method": "saliency"}, {"layer": "", "library": "captum"},
    ):  # fmt: skip
        rows += grown(make, "pytorch", {1: 9.0, 8: 9.0}, **other)
    made = table.make(make.frame(rows))
    assert made.data["ms"].tolist() == [1.0, 2.0]
    assert set(made.data["layer"]) == {"relu4"}


def test_other_precisions_stand_apart_where_only_they_exist(make: Any) -> None:
    rows = grown(make, "jax", {1: 1.0, 8: 2.0}, precision="tf32")
    rows += grown(make, "jax", {1: 3.0, 8: 4.0}, precision="bfloat16")
    made = table.make(make.frame(rows))
    assert made.sections[0].frame["precision"].tolist() == ["bfloat16", "tf32"]


def test_batches_of_two_runs_are_no_series(make: Any) -> None:
    rows = make.times("jax", [1.0], batch=1, run_id="time-20250101T000000-m1")
    rows += make.times("jax", [1.0], batch=8, run_id="time-20250102T000000-m1")
    assert table.make(make.frame(rows)).data.empty


def test_a_column_is_drawn_in_its_best_mode_at_each_batch(make: Any) -> None:
    rows = grown(make, "jax", {1: 1.0, 8: 9.0, 64: 30.0}, mode="eager")
    rows += grown(make, "jax", {8: 3.0, 64: 31.0}, mode="compiled")
    best = figure.least(table.make(make.frame(rows)).data)
    assert best.set_index("batch")["ms"].to_dict() == {1: 1, 8: 3, 64: 30}
    ((_, drawn),) = figure.draw(make.frame(rows))
    assert [(row["batch"], row["mode"]) for row in drawn["datasets"]["selection0"]] == [
        (1, "eager"), (8, "compiled"), (64, "eager"),
    ]  # fmt: skip


def test_a_panel_for_each_task_and_device_with_both_bounds(make: Any) -> None:
    rows = grown(make, "jax", {1: 2.0, 8: 4.0, 64: 32.0}) + grown(make, "pytorch", {1: 3.0, 8: 4.0})
    rows += grown(make, "jax", {1: 1.0, 8: 2.0}, **FORWARD)
    rows += grown(make, "jax", {1: 1.0, 8: 2.0}, device="gpu")
    ((stem, drawn),) = figure.draw(make.frame(rows))
    assert stem == "batch_scaling_digits_cnn-gap"
    assert [panel["title"]["text"] for panel in drawn["concat"]] == [
        "forward pass, float32, cpu", "grad_cam, float32, cpu", "grad_cam, float32, gpu"
    ]  # fmt: skip
    panel, rows = drawn["concat"][1], drawn["datasets"]["selection1"]
    layers = [json.dumps(form["layer"]) for form in (panel, batches().form)]
    assert layers[0].replace("selection1", "selection") == layers[1], "the page's chart"
    times = [(row["column"], row["batch"], row["ms_per_image"]) for row in rows]
    assert times[:3] == [("jax", 1, 2.0), ("jax", 8, 0.5), ("jax", 64, 0.5)] and len(times) == 5


def test_bars_are_the_intervals_and_what_is_marked_is_faint(make: Any) -> None:
    rows = [r for n in (1, 8) for r in make.times("jax", [1.0 * n, 1.2 * n, 1.6 * n], batch=n)]
    ((_, drawn),) = figure.draw(make.frame(rows))
    first, second = drawn["datasets"]["selection0"]
    assert (first["low"], first["high"]) == pytest.approx((1.0, 1.6))
    assert (second["low"], second["high"]) == pytest.approx((1.0, 1.6)), "of an image"
    assert first["sure"] is False
    single = [r for n in (1, 8) for r in make.times("jax", [1.0 * n], batch=n)]
    ((_, drawn),) = figure.draw(make.frame(single))
    assert all(row["low"] is None for row in drawn["datasets"]["selection0"])
