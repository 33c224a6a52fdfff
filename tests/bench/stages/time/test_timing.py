from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clocking import CHILDREN, TRAP, run

from bench.engine import processes
from bench.engine.child import ROOT, Job
from bench.record.cell import Cell
from bench.record.schema import COLUMNS
from bench.stages.time.clocked import TASKS, VISITS


def test_the_clock_goes_round_all_cells_and_a_crash_costs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    visited = tmp_path / "visited"
    traps = ("none", "crashes", "slow")
    cells = [replace(TRAP, options=(("trap", trap),)) for trap in traps]
    found = run(cells, "traps", {"visited": str(visited)}, tmp_path / "log")
    assert found["crashes"][0]["status"] == "failed"
    assert "exit status 7" in found["crashes"][0]["reason"]
    assert found["none"][0]["status"] == found["slow"][0]["status"] == "ok", found
    assert len(found["slow"][0]["samples_ns"]) == VISITS  # longer than a visit: once each time
    # What the crash took with it is made ready once more; then both are visited by turns.
    turns = visited.read_text().split("crashes")[-1].split()
    assert len(turns) >= VISITS + 2 and set(turns) == {"none", "slow"}, turns


@pytest.mark.parametrize("number", [0, 1])  # a warm round's get ready side by side
def test_processes_take_turns_at_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    visited = tmp_path / "visited"
    cells = [replace(TRAP, options=(("trap", trap),)) for trap in ("none", "slow")]
    context = {"visited": str(visited), "cache": str(tmp_path / "compiled")}
    jobs = [Job("traps", (cell,), context, number) for cell in cells]
    statuses: dict[str, list[str]] = {}

    def finished(cell: Cell, number: int, rows: list[dict[str, Any]]) -> None:
        statuses[cell.cell_id] = [row["status"] for row in rows]

    outside = processes.run(jobs, finished, 300, tmp_path / "log", print)
    assert list(statuses.values()) == [["ok"], ["ok"]] and outside < 2
    turns = visited.read_text().split()
    # One is made ready, then the other; then each turn has both, in whatever order.
    assert set(turns[:2]) == {"none", "slow"} and len(turns) >= 2 + VISITS, turns
    assert number or turns[:2] == ["none", "slow"]


BARRIER = """
import jax, jax.numpy as jnp
from bench.stages.time.timed import Timed
from implementations import frameworks

@jax.jit
def slow(array):
    for _ in range(6):
        array = jnp.tanh(array @ array)
    return array

array = jnp.ones((1500, 1500)) / 1500
slow(array).block_until_ready()
values = []

def call(number):
    values.append(slow(array + number))
    return values[-1]

timed = Timed(frameworks.load("jax"), call, [], None, dict, {})
call(0)
early = values[-1].is_ready()
timed.barriered(1)
print(early, values[-1].is_ready())
"""


def test_a_warm_compile_cache_is_never_called_cold(small: Any, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    cell = replace(
        small.cell, stage="time", task="forward", method="", framework="pytorch", layer="",
        precision="float32", mode="compiled",
    )  # fmt: skip
    context = {**small.context, "cache": str(tmp_path / "compiled")}
    rows: list[dict[str, Any]] = []
    for number in (0, 1):
        job = Job("bench.stages.time.timing", (cell,), context, number)
        processes.run([job], lambda c, n, found: rows.extend(found), 300, tmp_path / "log", print)
    assert [row["cache"] for row in rows] == ["cold", "warm"], rows
    assert rows[1]["compile_s"] < rows[0]["compile_s"]


def test_the_barrier_is_inside_the_timed_region() -> None:
    pytest.importorskip("jax")
    done = subprocess.run(
        [sys.executable, "-c", BARRIER], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    # The bare call returns before its work is done; the one under the stopwatch does not.
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_real_cells_are_timed_after_they_agree(small: Any, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    same = replace(
        small.cell, stage="time", framework="pytorch", precision="float32", layer="", batch=8
    )
    cells = [
        replace(same, task="heatmap"),
        replace(same, task="forward", method=""),
        replace(same, task="train_step", method="", optimizer="native"),
    ]
    found = run(cells, "bench.stages.time.timing", small.context, tmp_path / "log")
    for task in TASKS:
        row = found[task][-1]
        assert row["status"] == "ok" and row["median_ms"] > 0, row
        assert row["layout"] == "channels_last"
        if task == "train_step":  # with dropout its loss is not the oracle's
            assert row["agree"] is None and row["tolerance"] is None and row["max_rel"] < 1
        else:
            assert row["agree"] is True and row["max_rel"] <= row["tolerance"]
        assert not set(row) - set(COLUMNS)
    assert found["heatmap"][0]["evaluations"] == 1


def test_a_training_step_that_nothing_compiles_is_not_called_compiled(
    small: Any, tmp_path: Path
) -> None:
    pytest.importorskip("keras")
    pytest.importorskip("torch")
    cell = replace(
        small.cell, stage="time", task="train_step", method="", framework="keras", layer="",
        backend="torch", precision="float32", mode="compiled", optimizer="native", batch=8,
    )  # fmt: skip
    [row] = run([cell], "bench.stages.time.timing", small.context, tmp_path / "log")["train_step"]
    assert row["status"] == "skipped" and row["reason"].startswith("not compiled"), row
