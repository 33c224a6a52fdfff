from __future__ import annotations

from typing import Any

from bench.report.tables import memory


def test_what_was_not_measured_gives_no_table(make: Any) -> None:
    assert memory.make(make.frame(make.times("jax", [1.0]))).data.empty


def test_medians_over_rounds_with_the_columns_across(make: Any) -> None:
    rows = [
        make.row("time", column, round=n, median_ms=1.0, stable=True, call_memory_mb=mb)
        for column, found in (("jax", (10.0, 30.0, 20.0)), ("pytorch", (5.0, 5.0, 90.0)))
        for n, mb in enumerate(found)
    ]
    table = memory.make(make.frame(rows))
    assert table.data.set_index("column")["call_memory_mb"].to_dict() == {
        "jax": 20.0,
        "pytorch": 5.0,
    }
    (section,) = table.sections
    assert section.title == "digits, cnn-gap, cpu, host memory, MB, relu4, float32"
    assert section.frame.iloc[0].to_dict() == {
        "what": "grad_cam", "batch": "10", "mode": "eager", "jax": "20.0", "pytorch": "5.00",
    }  # fmt: skip


def test_host_and_device_stand_apart(make: Any) -> None:
    both = {"call_memory_mb": 3.0, "peak_device_mb": 800.0}
    rows = make.times("jax", [1.0], device="gpu", **both)
    rows += make.times("pytorch", [1.0], device="gpu", peak_device_mb=700.0)
    table = memory.make(make.frame(rows))
    host, device = table.sections
    assert list(host.frame) == ["what", "batch", "mode", "jax"]
    assert "gpu, device memory, MB" in device.title
    assert device.frame["pytorch"].tolist() == ["700"]


def test_lines_by_batch_and_mode_libraries_last(make: Any) -> None:
    rows = []
    for batch in (8, 1):
        for mode in ("compiled", "eager"):
            rows += make.times("pytorch", [1.0], batch=batch, mode=mode, call_memory_mb=1.0 * batch)
    rows += make.times("pytorch", [1.0], batch=1, library="torchcam", call_memory_mb=7.0)
    table = memory.make(make.frame(rows))
    shown = table.sections[0].frame
    assert list(zip(shown["what"], shown["batch"], shown["mode"], strict=True)) == [
        ("grad_cam", "1", "eager"), ("grad_cam", "1", "compiled"), ("grad_cam", "8", "eager"),
        ("grad_cam", "8", "compiled"), ("torchcam.grad_cam", "1", "eager"),
    ]  # fmt: skip


def test_other_layers_and_precisions_are_in_the_csv_only(make: Any) -> None:
    rows = make.times("jax", [1.0], layer="", call_memory_mb=1.0)
    rows += make.times("jax", [1.0], layer="relu1", call_memory_mb=2.0)
    rows += make.times("jax", [1.0], layer="", precision="float64", call_memory_mb=3.0)
    table = memory.make(make.frame(rows))
    assert sorted(table.data["call_memory_mb"]) == [1.0, 2.0, 3.0]
    assert table.sections[0].frame["jax"].tolist() == ["1.00"]


def test_a_wrong_cell_has_no_memory_and_a_stale_one_is_marked(make: Any) -> None:
    rows = make.times("jax", [1.0], call_memory_mb=1.0, status="wrong", reason="max_rel 1")
    rows += make.times("pytorch", [1.0], call_memory_mb=2.0, code_hash="old")
    table = memory.make(make.frame(rows))
    assert table.data["column"].tolist() == ["pytorch"]
    assert table.sections[0].frame["pytorch"].tolist() == ["2.00 †"]
    assert "†" in table.sections[0].notes[0]
