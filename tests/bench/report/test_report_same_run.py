from __future__ import annotations

import math
from typing import Any

import pytest

from bench.report.frame import gather
from bench.report.measured import measured, standing, started
from bench.report.same_run import places, ratio

OLD, NEW = "time-20250101T000000-m1", "time-20250102T000000-m1"
FORWARD = {"task": "forward", "method": "", "layer": ""}


def runs(make: Any, old: list[Any], new: list[Any]) -> Any:
    both = []
    for run, rows in ((OLD, old), (NEW, new)):
        both.append(({**make.head, "run_id": run}, [{**row, "run_id": run} for row in rows]))
    return gather(both, make.code_hash)


def test_a_run_stands_whole_until_newer_ones_have_all_its_cells(make: Any) -> None:
    both = make.times("jax", [1.0, 1.0, 1.0]) + make.times("pytorch", [2.0])
    again = make.times("jax", [5.0, 5.0])
    found = standing(runs(make, both, again))
    assert sorted(found["median_ms"]) == [1.0, 1.0, 1.0, 2.0, 5.0, 5.0]
    assert sorted(standing(runs(make, again, both))["median_ms"]) == [1.0, 1.0, 1.0, 2.0]


def test_a_run_of_older_code_does_not_stand_before_one_of_the_code_as_it_is(make: Any) -> None:
    stale = make.times("jax", [5.0], code_hash="old")
    assert standing(runs(make, make.times("jax", [1.0]), stale))["median_ms"].tolist() == [1.0]
    both = stale + make.times("pytorch", [2.0])
    found = standing(runs(make, make.times("jax", [1.0]), both))
    assert sorted(found["median_ms"]) == [1.0, 2.0, 5.0]


def test_a_run_of_one_process_does_not_stand_before_one_of_several(make: Any) -> None:
    several, one = make.times("jax", [1.0, 1.0]), make.times("jax", [5.0])
    assert standing(runs(make, several, one))["median_ms"].tolist() == [1.0, 1.0]
    more = one + make.times("pytorch", [2.0])
    assert sorted(standing(runs(make, several, more))["median_ms"]) == [1.0, 1.0, 2.0, 5.0]


def test_a_grid_that_no_table_has_makes_no_second_run_of_a_place(make: Any) -> None:
    kept = make.times("jax", [1.0])
    apart = make.times("jax", [1.5], memory_format="contiguous")
    apart += make.times("jax", [9.0], grid="allocator")
    (place,) = places(runs(make, kept, apart + kept))
    assert place.key["run_id"] == NEW and NEW not in place.title
    (place,) = places(runs(make, kept + make.times("pytorch", [2.0]), apart))
    assert place.key["run_id"] == OLD and len(place.cells) == 2


def test_cells_of_two_runs_are_never_side_by_side(make: Any) -> None:
    old = make.times("jax", [1.0], **FORWARD) + make.times("jax", [2.0], mode="compiled")
    frame = runs(make, old, make.times("jax", [9.0], mode="compiled"))
    first, second = places(frame)
    assert first.title == f"digits, cnn-gap, cpu, {OLD}"
    assert [cell.timing.what["task"] for cell in first.cells] == ["forward", "heatmap"]
    (again,) = second.cells
    assert again.run_id == NEW
    forward = {"task": "forward", "method": "", "layer": ""}
    assert second.modes(again.timing, **forward) == []
    assert first.modes(again.timing, **forward) == [first.cells[0]]


def test_one_run_is_not_named_in_the_title(make: Any) -> None:
    (place,) = places(make.frame(make.times("jax", [1.0])))
    assert place.title == "digits, cnn-gap, cpu"
    assert places(make.frame([make.agree("jax", "logits")])) == []


def test_like_differs_in_the_changes_only(make: Any) -> None:
    rows = make.times("jax", [1.0], layer="") + make.times("jax", [2.0], layer="relu1")
    rows += make.times("jax", [3.0], layer="", batch=1) + make.times("pytorch", [4.0], layer="")
    rows += [make.row("time", "jax", layer="", mode="xla", status="failed", reason="broke")]
    (place,) = places(make.frame(rows))
    first = next(c for c in place.cells if c.timing.what["layer"] == "relu1")
    found = place.like(first.timing, layer="relu4")  # the default layer's own name
    assert found is not None
    assert found.timing.estimate is not None
    assert found.timing.estimate.value == 1.0
    assert place.like(first.timing, batch=1) is None
    assert place.like(found.timing, mode="xla") is None  # it has no time
    assert place.modes(found.timing) == [found]


def test_layers_are_named_where_there_is_one(make: Any) -> None:
    rows = make.times("jax", [1.0], layer="") + make.times("jax", [1.0], **FORWARD)
    rows += make.times("jax", [1.0], method="saliency", layer="")
    captum = {"library": "captum", "layer": "", "method": "layer_grad_cam"}
    rows += make.times("pytorch", [1.0], **captum)
    rows += make.times("pytorch", [1.0], **captum | {"library": "no-such-library"})
    (place,) = places(make.frame(rows))
    told = {(c.timing.what["library"], c.timing.what["method"]): c.timing.what["layer"]
            for c in place.cells}  # fmt: skip
    assert told == {
        ("", "grad_cam"): "relu4", ("", ""): "", ("", "saliency"): "",
        ("captum", "layer_grad_cam"): "relu4", ("no-such-library", "layer_grad_cam"): "",
    }  # fmt: skip


def test_beside_the_time_stand_medians_and_the_worst_error(make: Any) -> None:
    rows = [
        make.row(
            "time", "jax", round=n, median_ms=1.0, stable=True, call_memory_mb=mb, max_rel=error
        )
        for n, (mb, error) in enumerate([(10.0, 1e-7), (30.0, 3e-7), (20.0, 2e-7)])
    ]
    (cell,) = measured(make.frame(rows))
    assert cell.beside["call_memory_mb"] == 20.0
    assert cell.beside["max_rel"] == 3e-7
    assert math.isnan(cell.beside["peak_device_mb"])


def test_equal_rows_have_equal_cells_and_others_have_others(make: Any) -> None:
    one, two = ([make.row("time", "jax", median_ms=ms, cores_in_use=1.0)] for ms in (1.0, 2.0))
    medians = [
        cell.timing.estimate.value
        for rows in (one, two, one)
        for cell in measured(make.frame(rows))
        if cell.timing.estimate
    ]
    assert medians == [1.0, 2.0, 1.0]


def test_cells_stand_with_the_deepest_layer_and_float32_first(make: Any) -> None:
    toggles = [("relu4", "float64"), ("relu1", "float32"), ("relu4", "float32"),
               ("relu4", "bfloat16"), ("relu2", "float32")]  # fmt: skip
    rows = [r for la, p in toggles for r in make.times("jax", [1.0], layer=la, precision=p)]
    (place,) = places(make.frame(rows))
    order = [
        (c.timing.what["layer"], c.timing.what["precision"])
        for c in place.deepest_first(place.cells)
    ]
    assert order == [
        ("relu4", "float32"), ("relu4", "bfloat16"), ("relu4", "float64"), ("relu2", "float32"),
        ("relu1", "float32"),
    ]  # fmt: skip


def test_ratio_is_per_image_and_says_whether_it_is_real(make: Any) -> None:
    rows = make.times("jax", [10.0] * 3, batch=10) + make.times("jax", [8.0] * 3, batch=4)
    rows += make.times("pytorch", [10.2] * 3, stable=False)
    (place,) = places(make.frame(rows))
    four, ten, close = (cell.timing for cell in sorted(
        place.cells, key=lambda c: (c.timing.column, c.timing.what["batch"])))  # fmt: skip
    assert ratio(four, ten)["ratio"] == pytest.approx(2)
    assert ratio(four, ten)["real"]
    assert not ratio(close, ten)["real"]


def test_runs_are_ordered_by_their_beginning_whatever_their_stage() -> None:
    names = ["time-20250101T000000-m1", "compare-20250102T000000-m1", "x"]
    assert sorted(names, key=started) == ["x", *names[:2]]


def test_a_ratio_is_the_quotient_of_the_times_that_are_printed(make: Any) -> None:
    # The machine was twice as slow in the second round, and in the third for one of them only.
    rows = make.times("jax", [10.0, 20.0, 10.0]) + make.times("pytorch", [30.0, 60.0, 60.0])
    rows += make.times("jax", [5.0], mode="compiled")
    (place,) = places(make.frame(rows))
    found = {(c.timing.column, c.timing.mode): c.timing for c in place.cells}
    slow, fast = found["pytorch", "eager"], found["jax", "eager"]
    assert slow.per_image.value / fast.per_image.value == slow.over(fast)
    assert ratio(slow, fast)["ratio"] == slow.over(fast) == pytest.approx(6 / 1.1 ** (2 / 3))
    assert fast.over(slow) == pytest.approx(1 / slow.over(fast))
    assert fast.over(found["jax", "compiled"]) == pytest.approx(2 * 1.1 ** (1 / 3))
