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
    assert section.title == "digits, cnn-gap, cpu"
    assert section.frame.iloc[1].to_dict() == {
        "method": "grad_cam", "column, precision": "jax, bfloat16", "error": "0.0123",
        "Spearman": "0.987", "top 10 %": "0.800", "flips": "25 %", "images": "8",
    }  # fmt: skip
    assert table.note.endswith("Not measured: tf32 on a GPU, bfloat16 on a GPU.")


def test_without_rows_nothing_was_measured(make: Any) -> None:
    table = precision.make(make.frame(make.times("jax", [1.0])))
    assert table.data.empty and not table.sections and "bfloat16 on a CPU" in table.note
