from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.engine.child import Child, Job
from bench.record.cell import Cell

CHILDREN = Path(__file__).parents[1] / "children"
CELL = Cell(
    stage="time", task="trap", framework="pytorch", method="grad_cam", dataset="digits",
    architecture="cnn-32-16-8", batch=8, options=(("trap", "none"),),
)  # fmt: skip


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Child:
    """A process that times one cell; it waits for its turn when that is ready."""
    pytest.importorskip("torch")
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    return Child(Job("traps", (CELL,), {}), [CELL], tmp_path / "log")


def follow(child: Child, found: list[dict[str, Any]]) -> bool:
    def finished(cell: Cell, number: int, rows: list[dict[str, Any]]) -> None:
        found.extend(rows)

    return child.follow(finished, 300, lambda text: None, threading.Event())


def test_a_process_that_waits_works_when_it_is_its_turn(child: Child) -> None:
    found: list[dict[str, Any]] = []
    turns = 0
    while follow(child, found):
        # What it compiles while it is timed lies in its own folder.
        assert any(child.scratch.glob("camparison-*"))
        assert not found and list(child.cells) == [CELL.cell_id]
        child.go()
        turns += 1
    assert turns > 1 and [row["status"] for row in found] == ["ok"]
    assert not child.cells and not child.scratch.exists()


def test_a_process_that_dies_while_it_waits_is_a_row(child: Child) -> None:
    found: list[dict[str, Any]] = []
    assert follow(child, found)
    (child.scratch / "left behind").mkdir()
    child.process.kill()
    child.process.wait()
    child.go()
    assert not follow(child, found)
    assert [row["status"] for row in found] == ["oom"] and not child.cells
    assert not child.scratch.exists()


def test_one_that_waits_can_be_ended_at_once(child: Child) -> None:
    assert follow(child, [])
    child.end()
    assert not psutil.pid_exists(child.process.pid) and not child.scratch.exists()
    assert list(child.cells) == [CELL.cell_id]
