from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.engine.alone import alone
from bench.record.cell import Cell

CHILDREN = Path(__file__).parents[1] / "children"
CELL = Cell(stage="agree", framework="reference", dataset="digits", architecture="cnn-32-16-8")


@pytest.mark.parametrize(
    ("how", "status", "said"), [("fine", "ok", ""), ("exit", "failed", "about to leave")]
)
def test_one_cell_and_what_it_said(
    how: str, status: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    cell = replace(CELL, options=(("how", how),))
    (row,) = alone("misbehaving", cell, {"word": "hello"}, print)
    assert row["status"] == status and said in row.get("said", "")
