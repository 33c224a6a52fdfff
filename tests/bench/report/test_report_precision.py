from __future__ import annotations

from typing import Any

from bench.report.tables import precision

VALUES = {"relative_error": 0.0123, "spearman": 0.987, "topk_iou": 0.8, "class_flips": 0.25}


def rows(make: Any, **values: Any) -> list[dict[str, Any]]:
    return [
        make.row("precision", "jax", metric=name, value=value, n=8, batch=0, **values)
        for name, value in VALUES.items()
    ]


def test_a_line_a_precision_and_what_was_not_measured(make: Any) -> None:
    table = precision.make(make.frame(rows(make) + rows(make, precision="bfloat16")))
    assert table.data["precision"].tolist() == ["float32", "bfloat16"]
    (section,) = table.sections
    assert section.title == "digits, cnn-gap, cpu, bfloat16, 8 images"
    assert section.frame.iloc[0].to_dict() == {
        "method": "grad_cam", "column": "jax", "error": "0.0123", "in float32": "0.0123",
        "Spearman": "0.987", "top 10 %": "0.800", "flips": "25 %",
    }  # fmt: skip
    assert len(section.frame) == 1
    absent = "Not measured: float32 on a GPU, tf32 on a GPU, bfloat16 on a GPU."
    assert table.note.endswith(absent)


def test_what_has_no_map_says_why(make: Any) -> None:
    failed = make.row("precision", "jax", status="failed", reason="no room", precision="bfloat16")
    (section,) = precision.make(make.frame([*rows(make), failed])).sections
    line = section.frame.iloc[0]
    assert (line["error"], line["in float32"], line["flips"]) == ("failed (1)", "0.0123", "–")
    assert section.told == ("(1) failed: no room",)


def test_without_rows_nothing_was_measured(make: Any) -> None:
    table = precision.make(make.frame(make.times("jax", [1.0])))
    assert table.data.empty and not table.sections and "bfloat16 on a CPU" in table.note
