from __future__ import annotations

from typing import Any

import pytest

from bench.report.tables import overhead

BESIDE = {"import_s": 2.0, "build_s": 0.1, "compile_count": 1, "cell_s": 3.0}


def test_without_times_there_is_no_table(make: Any) -> None:
    assert overhead.make(make.frame(make.epochs("jax", [[1.0]]))) == []
    failed = make.times("jax", [1.0], status="failed", reason="broke")
    assert overhead.make(make.frame(failed)) == []


def test_a_line_for_each_column_and_mode_of_the_newest_run(make: Any) -> None:
    compiled = {**BESIDE, "mode": "compiled", "compile_s": 4.0, "cache": "cold"}
    rows = make.times("jax", [1.0, 1.0], **compiled)
    rows += make.times("jax", [1.0, 1.0], **compiled | {"compile_s": 8.0, "batch": 64})
    rows += make.times("pytorch", [1.0], **compiled | {"compile_s": 30.0})
    later = {"cache": "warm", "compile_s": 1.0, "import_s": 4.0}
    rows += [row | later | {"round": 1} for row in make.times("pytorch", [1.0], **compiled)]
    rows += make.times("pytorch", [1.0], **BESIDE | {"import_s": 1e-5})
    old = "time-20240101T000000-m1"
    rows += make.times("jax", [1.0], **compiled | {"compile_s": 99.0, "run_id": old, "batch": 2})
    (table,) = overhead.make(make.frame(rows))
    lines = {(line["column"], line["mode"]): line for line in table.data.to_dict("records")}
    assert set(lines) == {("jax", "compiled"), ("pytorch", "compiled"), ("pytorch", "eager")}
    jax = lines["jax", "compiled"]
    assert (jax["compile_s"], jax["longest_compile_s"], jax["processes"]) == (6.0, 8.0, 2)
    assert jax["cells_s"] == 6.0 and jax["compile_count"] == 1
    torch = lines["pytorch", "compiled"]
    assert torch["longest_compile_s"] == 30.0  # not the warm one
    eager = lines["pytorch", "eager"]
    assert torch["import_s"] == eager["import_s"] == pytest.approx(3.0)
    shown = table.sections[0].frame
    assert shown["compile s"].tolist() == ["6.00 (longest 8.00)", "30.0 (longest 30.0)", "–"]
    assert shown["compilations"].tolist() == ["1", "1", "1"]
