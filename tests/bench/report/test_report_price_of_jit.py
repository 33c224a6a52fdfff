from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.figures import price_of_jit as figure
from bench.report.table import ABSENT
from bench.report.tables import price_of_jit
from bench.report.tables.price_of_jit import break_even


def test_break_even_closed_forms() -> None:
    assert break_even(2.0, 30.0, 20.0) == 200
    assert break_even(2.0, 20.0, 20.0) == math.inf
    assert break_even(2.0, 20.0, 30.0) == math.inf
    assert break_even(0.0, 30.0, 20.0) == 0


@given(st.floats(0, 100), st.floats(0.1, 100), st.floats(0.1, 100))
def test_at_break_even_both_have_cost_the_same(
    compile_s: float, eager: float, after: float
) -> None:
    calls = break_even(compile_s, eager, after)
    if math.isfinite(calls):
        assert calls * eager == pytest.approx(1e3 * compile_s + calls * after, rel=1e-6, abs=1e-6)
    else:
        assert after >= eager or compile_s / (eager - after) > 1e300


def test_each_compiled_mode_against_eager(make: Any) -> None:
    rows = make.times("keras[tensorflow]", [30.0] * 3)
    rows += make.times("keras[tensorflow]", [20.0] * 3, mode="compiled", compile_s=1.0)
    rows += make.times("keras[tensorflow]", [31.0] * 3, mode="xla", compile_s=4.0)
    table = price_of_jit.make(make.frame(rows))
    data = table.data.set_index("mode")
    assert data.loc["compiled", "break_even_calls"] == 100
    assert data.loc["compiled", "real"]
    assert not data.loc["xla", "real"]
    shown = table.sections[0].frame.set_index("mode")
    assert shown.loc["compiled", "break-even calls"] == "100 †"
    assert shown.loc["compiled", "speed-up"] == "×1.50"
    # Not told apart from eager, so that nothing can be said of when it pays.
    assert shown.loc["xla", "speed-up"].endswith("≈")
    assert shown.loc["xla", "break-even calls"] == ABSENT


def test_what_is_not_compiled_is_told_with_its_reason(make: Any) -> None:
    rows = make.times("jax", [30.0] * 3) + make.times("jax", [20.0] * 3, mode="compiled")
    rows += make.times("keras[torch]", [30.0] * 3)
    why = {"status": "skipped", "reason": "it steps eagerly", "median_ms": None}
    rows += make.times("keras[torch]", [1.0], mode="compiled", **why)
    rows += make.times("keras[torch]", [1.0], mode="xla", **why)
    table = price_of_jit.make(make.frame(rows))
    assert table.sections[0].told == ("grad_cam, keras[torch]: it steps eagerly",)


def test_what_starting_the_compiler_costs_is_apart_and_must_be_paid_too(make: Any) -> None:
    rows = make.times("pytorch", [30.0] * 3)
    cold = {"compile_s": 2.0, "compiler_s": 10.0}
    rows += make.times("pytorch", [20.0] * 3, mode="compiled", **cold)
    table = price_of_jit.make(make.frame(rows))
    assert table.data["break_even_calls"].tolist() == [1200]
    shown = table.sections[0].frame.iloc[0]
    assert (shown["start s"], shown["compile s"]) == ("10.0", "2.00")
    assert shown["break-even calls"] == "1,200"
    ((_, drawn),) = figure.draw(make.frame(rows))
    assert drawn["datasets"]["selection0"][1]["before_s"] == pytest.approx(12)


def test_of_older_rows_only_those_with_no_process_beside_them_tell(make: Any) -> None:
    rows = make.times("jax", [30.0] * 3)
    rows += make.times("jax", [20.0] * 3, mode="compiled", compile_s=3.0)
    for row in rows[-2:]:
        row["compile_s"] = 9.0
    table = price_of_jit.make(make.frame(rows))
    assert table.data["compile_s"].tolist() == [3.0]
    assert table.sections[0].frame["compile s"].tolist() == ["3.00 †"]


def test_without_both_there_is_no_table(make: Any) -> None:
    rows = make.times("jax", [30.0]) + make.times("pytorch", [3.0], mode="compiled")
    rows += [make.row("time", "pytorch", status="failed", reason="broke")]
    assert price_of_jit.make(make.frame(rows)).data.empty


def test_the_lines_of_the_picture_cross_where_compiling_has_paid(make: Any) -> None:
    rows = make.times("jax", [30.0] * 3)
    assert list(figure.draw(make.frame(rows))) == []
    for mode, ms in (("compiled", 20.0), ("xla", 25.0)):
        rows += make.times("jax", [ms] * 3, mode=mode, compile_s=2.0, cache="cold")
    ((name, drawn),) = figure.draw(make.frame(rows))
    assert name == "price_of_jit_digits_cnn-gap_cpu"
    eager, compiled = drawn["datasets"]["selection0"]
    assert compiled["mode"] == "compiled", "the faster of the two"
    assert (eager["before_s"], eager["call_ms"]) == (0, pytest.approx(30))
    assert (compiled["before_s"], compiled["call_ms"]) == (pytest.approx(2), pytest.approx(20))
    assert compiled["break_even"] == pytest.approx(200)
    rows += make.times("pytorch", [30.0, 20.0, 25.0])
    rows += make.times("pytorch", [24.0, 21.0, 22.0], mode="compiled", compile_s=2.0)
    ((_, drawn),) = figure.draw(make.frame(rows))
    lines = drawn["datasets"]["selection0"]
    assert len(lines) == 4 and "break_even" not in lines[3]  # the two are not told apart
