from __future__ import annotations

from typing import Any

from bench.report.tables import overhead

BESIDE = {"import_s": 1e-5, "build_s": 0.1, "compile_count": 1, "cell_s": 3.0}
COMPILED = {**BESIDE, "mode": "compiled", "compile_s": 4.0}


def test_without_times_there_is_no_table(make: Any) -> None:
    assert overhead.make(make.frame(make.epochs("jax", [[1.0]]))).data.empty
    failed = make.times("jax", [1.0], status="failed", reason="broke")
    assert overhead.make(make.frame(failed)).data.empty


def test_a_line_for_each_column_and_mode_of_the_first_process(make: Any) -> None:
    rows = make.times("jax", [1.0], **COMPILED)
    rows += make.times("jax", [1.0], **COMPILED | {"compile_s": 8.0, "batch": 64})
    step = {"task": "train_step", "method": "", "optimizer": "native", "compile_count": 9}
    rows += make.times("jax", [1.0], **COMPILED | step)
    rows += make.times("pytorch", [1.0], **COMPILED | {"compile_s": 30.0})
    later = {"round": 1, "cache": "warm", "compile_s": 1.0, "import_s": 7.0}
    rows += [row | later for row in make.times("pytorch", [1.0], **COMPILED)]
    rows += make.times("pytorch", [1.0], **BESIDE)
    # The process that made these imported for a cell of another network.
    rows += make.times("jax", [1.0], **COMPILED | {"architecture": "b", "import_s": 2.0})
    rows += make.times("pytorch", [1.0], **BESIDE | {"architecture": "b", "import_s": 3.0})
    table = overhead.make(make.frame(rows))
    assert len(table.sections) == 2
    of = table.data[table.data["architecture"] == "cnn-gap"]
    lines = {(line["column"], line["mode"]): line for line in of.to_dict("records")}
    assert set(lines) == {("jax", "compiled"), ("pytorch", "compiled"), ("pytorch", "eager")}
    jax, torch = lines["jax", "compiled"], lines["pytorch", "compiled"]
    assert (jax["compile_s"], jax["longest_compile_s"], jax["cells"]) == (4.0, 8.0, 3)
    assert jax["cells_s"] == 9.0 and jax["compile_count"] == 1 and jax["import_s"] == 2.0
    assert torch["longest_compile_s"] == 30.0  # not the warm one
    assert torch["import_s"] == lines["pytorch", "eager"]["import_s"] == 3.0
    _, first = table.sections
    assert first.frame["compile s"].tolist() == [
        "4.00 (longest 8.00)", "30.0 (longest 30.0)", "–"
    ]  # fmt: skip
    assert first.frame["compilations"].tolist() == ["1", "1", "1"]


def test_a_run_that_timed_less_does_not_hide_an_older_one(make: Any) -> None:
    old = make.times("jax", [1.0], **COMPILED) + make.times("jax", [1.0], **BESIDE)
    older = "time-20240101T000000-m1"
    rows = [row | {"run_id": older} for row in old] + make.times("jax", [1.0], **COMPILED)
    table = overhead.make(make.frame(rows))
    assert sorted(table.data["run_id"] == older) == [False, True, True]
