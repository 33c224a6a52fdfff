from __future__ import annotations

from typing import Any

import pytest

from bench.report.tables import allocator

SYSTEM = {"allocator": "system"}


def test_without_both_there_is_no_table(make: Any) -> None:
    assert allocator.make(make.frame(make.times("jax", [1.0]))) == []
    assert allocator.make(make.frame(make.times("jax", [1.0], **SYSTEM))) == []
    apart = make.times("jax", [1.0]) + make.times("jax", [1.5], **SYSTEM, batch=256)
    assert allocator.make(make.frame(apart)) == []


def test_as_it_comes_over_kept(make: Any) -> None:
    rows = make.times("jax", [10.0] * 3, page_faults=0.0)
    rows += make.times("jax", [15.0, 15.2, 14.8], **SYSTEM, page_faults=9000.0)
    rows += make.times("keras[tensorflow]", [9.0] * 3, page_faults=0.0)
    rows += make.times("keras[tensorflow]", [9.1] * 3, **SYSTEM, page_faults=1.0)
    (table,) = allocator.make(make.frame(rows))
    first, second = table.data.to_dict("records")
    assert (first["ms"], first["kept_ms"], first["page_faults"]) == (15.0, 10.0, 9000.0)
    assert first["ratio"] == pytest.approx(1.5, rel=1e-3) and first["real"] and not second["real"]
    assert first["kept_page_faults"] == 0.0
    shown = table.sections[0].frame
    assert shown["ratio"].tolist() == ["×1.50", "×1.01 ≈"]
    assert shown["pages got again"].tolist() == ["9000", "1.00"]


def test_what_is_wrong_has_no_ratio(make: Any) -> None:
    rows = make.times("jax", [10.0] * 3)
    rows += make.times("jax", [15.0] * 3, **SYSTEM, status="wrong", reason="disagrees")
    assert allocator.make(make.frame(rows)) == []
