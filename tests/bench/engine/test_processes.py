from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.engine import processes
from bench.engine.child import Job
from bench.engine.environment import environment
from bench.record.cell import Cell

CHILDREN = Path(__file__).parents[1] / "children"
CELL = Cell(stage="agree", framework="reference", dataset="digits", architecture="cnn-32-16-8")
Outcome = dict[str, list[dict[str, Any]]]


def cell(how: str, number: int = 0) -> Cell:
    return replace(CELL, options=(("how", how),), seed=number)


@pytest.fixture
def outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """What becomes of cells that misbehave, by what they do."""
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))

    def run(*how: str, timeout_s: float = 120, **context: Any) -> Outcome:
        found: Outcome = {}

        def finished(cell: Cell, number: int, rows: list[dict[str, Any]]) -> None:
            name = dict(cell.options)["how"]
            assert name not in found, "a cell was reported twice"
            found[name] = rows

        cells = tuple(cell(each) for each in how)
        job = Job("misbehaving", cells, {"word": "hello", **context})
        processes.run([job], finished, timeout_s, tmp_path / "log", lambda text: None)
        assert list(tmp_path.iterdir()) == [tmp_path / "log"]
        return found

    return run


def test_every_failure_is_a_row_and_the_rest_is_run(outcome: Callable[..., Outcome]) -> None:
    found = outcome(
        "fine", "exit", "crash", "killed", "leave", "memory", "unavailable", "bad", "broken",
        "half", "junk",
    )  # fmt: skip
    rows = {how: rows[-1] for how, rows in found.items()}
    assert {how: row["status"] for how, row in rows.items()} == {
        "fine": "ok", "exit": "failed", "crash": "failed", "killed": "oom", "leave": "failed",
        "memory": "oom", "unavailable": "skipped", "bad": "failed", "broken": "failed",
        "half": "failed", "junk": "ok",
    }  # fmt: skip
    assert "exit status 7" in rows["exit"]["reason"]
    assert "about to leave" in rows["exit"]["reason"]
    assert "signal SIGSEGV" in rows["crash"]["reason"]
    assert "left politely" in rows["leave"]["reason"]
    assert "memory" in rows["killed"]["reason"]
    assert "MemoryError" in rows["memory"]["reason"]
    assert rows["unavailable"]["reason"] == "no such device here"
    assert rows["bad"]["reason"] == "the weights are of another architecture"
    assert rows["broken"]["reason"] == "ZeroDivisionError: a line"
    assert [row["status"] for row in found["half"]] == ["ok", "failed"]
    assert len(found["junk"]) == 1 and rows["junk"]["seen"] == "hello"
    # Those that only raise share a process with others; those that end one do not.
    assert rows["fine"]["pid"] != rows["junk"]["pid"]
    assert rows["fine"]["peak_rss_mb"] > 1 and rows["fine"]["cell_s"] >= 0


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_process_that_has_said_all_ends_at_once_with_all_it_started(
    outcome: Callable[..., Outcome],
) -> None:
    began = time.monotonic()
    [row] = outcome("lingers")["lingers"]
    assert row["status"] == "ok" and time.monotonic() - began < 60
    while _runs(row["helper"]) and time.monotonic() - began < 120:
        time.sleep(0.1)  # killed, it takes a moment to go
    assert not _runs(row["helper"])


def test_silence_is_a_timeout_and_the_rest_is_run(outcome: Callable[..., Outcome]) -> None:
    found = outcome("hang", "fine", timeout_s=6)
    assert found["hang"] == [
        {"status": "timeout", "reason": "no answer within 6 s; killed"},
    ]
    assert found["fine"][0]["status"] == "ok"


def test_a_stage_that_cannot_start_costs_its_cells_not_the_run(
    outcome: Callable[..., Outcome],
) -> None:
    found = outcome("fine", "junk", early=True)
    assert [rows[0]["status"] for rows in found.values()] == ["failed", "failed"]
    assert all("broken before the first cell" in rows[0]["reason"] for rows in found.values())


@pytest.mark.parametrize(
    ("number", "device", "at_once"), [(0, "cpu", 1), (1, "cpu", 2), (1, "gpu", 1)]
)
def test_only_warm_processes_get_ready_side_by_side_and_none_on_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, device: str, at_once: int
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    context = {"word": "", "cache": str(tmp_path)}
    cells = [replace(cell("slow", n), device=device) for n in range(3)]
    jobs = [Job("misbehaving", (one,), context, number) for one in cells]
    found: list[dict[str, Any]] = []
    processes.run(jobs, lambda c, n, rows: found.extend(rows), 60, tmp_path / "log", print)
    most = max(sum(a["began"] <= b["began"] < a["ended"] for a in found) for b in found)
    assert len(found) == 3 and most == at_once


def test_those_side_by_side_begin_with_what_took_longest_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    context = {"word": "", "cache": str(tmp_path)}
    asked = [replace(cell("slow", n), threads=n + 1) for n in range(3)]
    jobs = [Job("misbehaving", (one,), context, 1) for one in asked]
    took = {jobs[n].environment: seconds for n, seconds in enumerate((1.0, 9.0, 5.0))}
    began: dict[int, float] = {}

    def finished(cell: Cell, number: int, rows: list[dict[str, Any]]) -> None:
        began[cell.seed] = rows[0]["began"]

    processes.run(jobs, finished, 60, tmp_path / "log", print, ready_s=took)
    assert max(began, key=began.__getitem__) == 0  # the shortest waits for one of the others
    assert all(seconds < 60 for seconds in took.values()) and took[jobs[0].environment] != 1.0


def test_what_cannot_be_kept_ends_those_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    context = {"word": "", "cache": str(tmp_path)}
    jobs = [Job("misbehaving", (cell(how),), context, 1) for how in ("fine", "hang")]

    def finished(cell: Cell, number: int, rows: list[dict[str, Any]]) -> None:
        raise OSError("the disk is full")

    before, began = set(psutil.Process().children()), time.monotonic()
    with pytest.raises(OSError, match="full"):
        processes.run(jobs, finished, 300, tmp_path / "log", print)
    assert time.monotonic() - began < 100 and set(psutil.Process().children()) <= before


def test_stopping_kills_the_child_and_reports_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    stop, reported = threading.Event(), []

    def finished(cell: Cell, number: int, rows: list[dict[str, Any]]) -> None:
        reported.append(dict(cell.options)["how"])
        stop.set()

    job = Job("misbehaving", (cell("fine"), cell("hang"), cell("junk")), {"word": ""})
    before, began = set(psutil.Process().children()), time.monotonic()
    processes.run([job], finished, 300, tmp_path / "log", print, stop)
    assert reported == ["fine"] and time.monotonic() - began < 100
    assert set(psutil.Process().children()) <= before


def test_plan_interleaves_environments_and_shuffles_reproducibly() -> None:
    cells = [cell("fine", n) for n in range(6)]
    cells += [replace(each, framework="jax", precision="float64") for each in cells]
    jobs = processes.plan("m", cells, {}, rounds=3, isolate=False)
    assert [job.round for job in jobs] == [0, 0, 1, 1, 2, 2]
    for job in jobs:
        assert len({str(environment(each)) for each in job.cells}) == 1
        assert len(job.cells) == 6
    for number in range(3):
        ran = [each for job in jobs if job.round == number for each in job.cells]
        assert sorted(map(str, ran)) == sorted(map(str, cells))
    assert len({tuple(each.cell_id for each in job.cells) for job in jobs}) > 2
    assert jobs == processes.plan("m", cells, {}, rounds=3, isolate=False)


def test_isolate_gives_every_cell_a_process() -> None:
    cells = [cell("fine", n) for n in range(3)]
    jobs = processes.plan("m", cells, {}, rounds=2, isolate=True)
    assert [len(job.cells) for job in jobs] == [1] * 6
