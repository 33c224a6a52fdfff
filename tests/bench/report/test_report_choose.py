from __future__ import annotations

from typing import Any

import pytest

from bench.report.tables import choose

FORWARD = {"task": "forward", "method": "", "layer": ""}


def section(make: Any, rows: list[dict[str, Any]]) -> Any:
    (table,) = choose.make(make.frame(rows))
    return table


def test_nothing_timed_gives_no_table(make: Any) -> None:
    assert choose.make(make.frame([make.agree("jax", "logits")])) == []


def test_best_mode_factor_and_interval(make: Any) -> None:
    rows = make.times("jax", [40.0, 40.0, 42.0]) + make.times("jax", [20.0] * 3, mode="compiled")
    rows += make.times("pytorch", [30.0] * 3)
    table = section(make, rows)
    by_column = table.data.set_index("column")
    assert by_column.loc["jax", "mode"] == "compiled"
    assert by_column.loc["jax", "ms_per_image"] == 2.0
    assert by_column.loc["pytorch", "factor"] == pytest.approx(1.5)
    assert by_column.loc["pytorch", "differs_from_best"]
    shown = table.sections[0].frame
    assert shown["jax"][0] == "**2.00 (2.00–2.00)** ×1.00 compiled"
    assert shown["pytorch"][0] == "3.00 (3.00–3.00) ×1.50 eager"
