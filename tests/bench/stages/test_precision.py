from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.record.schema import COLUMNS
from bench.stages import precision
from bench.subject.inputs import subject
from bench.subject.names import pick_columns, pick_methods
from bench.subject.request import Request
from bench.truth import answers
from implementations.architecture import weights


def rows_of(small: Any, **changes: Any) -> dict[str, dict[str, Any]]:
    cell = replace(small.cell, stage="precision", layer="", batch=0, **changes)
    rows = list(precision.measure(cell, small.context))
    assert not set().union(*rows) - set(COLUMNS)
    return {row["metric"]: row for row in rows}


def test_the_oracle_is_what_it_is_held_against(small: Any) -> None:
    rows = rows_of(small)
    assert rows["relative_error"]["value"] == 0 and rows["class_flips"]["value"] == 0
    assert rows["spearman"]["value"] == pytest.approx(1) and rows["topk_iou"]["value"] == 1
    assert all(row["n"] + row["undefined"] == 20 for row in rows.values())


def test_bfloat16_has_eight_bits_and_float32_twenty_four(small: Any) -> None:
    pytest.importorskip("torch")
    found = {
        name: rows_of(small, framework="pytorch", precision=name)
        for name in ("float32", "bfloat16")
    }
    error = {name: rows["relative_error"]["value"] for name, rows in found.items()}
    assert error["float32"] < 1e-5 and 2**-10 < error["bfloat16"] < 0.3
    assert found["bfloat16"]["spearman"]["value"] <= found["float32"]["spearman"]["value"]
    flips = {name: rows["class_flips"]["value"] for name, rows in found.items()}
    assert flips["float32"] == 0 and np.isclose(flips["bfloat16"] * 20 % 1, [0, 1]).any()


def test_an_empty_map_has_no_peak_to_be_wrong_by(small: Any, tmp_path: Path) -> None:
    """Of maps half of which are empty the median would be no error at all."""
    cell = replace(small.cell, stage="precision", layer="", batch=0)
    about = subject(cell, small.context)
    answer = answers.answer(cell, about, tmp_path)
    empty = (np.arange(20) % 2 == 0)[:, None, None]
    path = answers.answer_path(cell, about, tmp_path)
    weights.save(path, {**answer, "upsampled": np.where(empty, 0, answer["upsampled"])})
    rows = precision.measure(cell, {**small.context, "oracle": tmp_path})
    found = next(row for row in rows if row["metric"] == "relative_error")
    known = rows_of(small)["relative_error"]
    assert found["n"] < known["n"] and found["n"] + found["undefined"] == 20


def test_cells_are_of_every_precision_of_the_device() -> None:
    request = Request(
        columns=pick_columns(["pytorch", "jax"]),
        methods=pick_methods(["grad_cam", "saliency", "grad_cam_all_classes"]),
    )
    asked = list(precision.cells(request, "digits", "cnn-gap"))
    assert len(asked) == len(set(asked)) == 8
    assert {cell.precision for cell in asked} == {"float32", "bfloat16"}
    on_gpu = precision.cells(replace(request, device="gpu"), "digits", "cnn-gap")
    assert {cell.precision for cell in on_gpu} == {"float32", "tf32", "bfloat16"}
