from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import processes
from bench.cells import Cell
from bench.child import ROOT, Job
from bench.schema import COLUMNS
from bench.timed import TASKS
from bench.timing import VISITS

CHILDREN = Path(__file__).parent / "children"
TRAP = Cell(
    stage="time", task="trap", framework="pytorch", method="grad_cam", dataset="digits",
    architecture="cnn-32-16-8", batch=8,
)  # fmt: skip
Found = dict[str, list[dict[str, Any]]]


def run(cells: list[Cell], module: str, context: dict[str, Any], log: Path) -> Found:
    """The rows of time cells, by trap or task, from one child process."""
    found: Found = {}

    def finished(cell: Cell, number: int, rows: list[dict[str, Any]]) -> None:
        found[dict(cell.options).get("trap", cell.task)] = rows

    processes.run([Job(module, tuple(cells), context)], finished, 300, log, print)
    return found


def test_every_trap_is_refused_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    traps = ("none", "late", "scattered", "wrong", "closed over", "nan", "zero")
    cells = [replace(TRAP, options=(("trap", trap),)) for trap in traps]
    pretended = replace(TRAP, task="heatmap", mode="compiled")
    cells.append(replace(pretended, options=(("trap", "never compiled"),)))
    found = run(cells, "traps", {}, tmp_path / "log")
    assert {trap: [row["status"] for row in rows] for trap, rows in found.items()} == {
        "none": ["ok"], "late": ["ok"], "scattered": ["ok"], "wrong": ["wrong"],
        "closed over": ["wrong"], "nan": ["wrong"], "zero": ["ok"], "never compiled": ["wrong"],
    }, found  # fmt: skip
    for trap in ("wrong", "closed over", "nan", "never compiled"):
        assert "median_ms" not in found[trap][0] and "samples_ns" not in found[trap][0]
    assert "disagrees with the oracle: max_rel 0.5" in found["wrong"][0]["reason"]
    assert found["wrong"][0]["max_rel"] == pytest.approx(0.5, abs=1e-6)
    assert "two different inputs gave the same output" in found["closed over"][0]["reason"]
    assert "nothing was compiled in mode compiled" in found["never compiled"][0]["reason"]
    assert "inputs are not folded in went unchecked" in found["zero"][0]["notes"]

    row = found["none"][0]
    samples = np.array(row["samples_ns"]) / 1e6
    assert len(samples) >= VISITS and samples.min() > 0
    scattered = found["scattered"][0]  # 20 ms or 40: once a visit fits, more are taken
    assert len(scattered["samples_ns"]) >= 4 * VISITS and 15 < scattered["iqr_ms"] < 25
    late = found["late"][0]  # once quick, it is sampled as a quick one
    assert len(late["samples_ns"]) > VISITS and late["median_ms"] < 50, late
    assert samples.min() <= row["median_ms"] <= samples.max()
    assert row["min_ms"] <= row["median_ms"] <= row["p95_ms"]
    assert row["images_per_s"] == pytest.approx(8e3 / row["median_ms"])
    assert row["agree"] is True and row["compile_s"] is None and row["import_s"] > 0
    assert not set(row) - set(COLUMNS)


def test_compiling_while_timed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jax")
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    jax = replace(TRAP, framework="jax", mode="compiled")
    cells = [replace(jax, options=(("trap", trap),)) for trap in ("none", "recompiles")]
    found = run(cells, "traps", {}, tmp_path / "log")
    assert found["none"][0]["status"] == "ok", found
    assert found["none"][0]["compile_count"] >= 1 and found["none"][0]["compile_s"] >= 0
    assert found["recompiles"][0]["status"] == "wrong"
    assert "times while timed" in found["recompiles"][0]["reason"]
    assert "median_ms" not in found["recompiles"][0]


def training(small: Any, framework: str, backend: str = "", trap: str = "none") -> Cell:
    cell: Cell = replace(
        small.cell, stage="time", task="train_step", method="", layer="", precision="float32",
        mode="compiled", optimizer="native", batch=8, framework=framework, backend=backend,
        options=(("trap", trap),),
    )  # fmt: skip
    return cell


@pytest.mark.parametrize(
    ("packages", "column"),
    [(("jax", "optax"), ("jax",)), (("keras", "tensorflow"), ("keras", "tensorflow"))],
)
def test_training_steps_that_compile_while_timed_are_refused(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    packages: tuple[str, ...], column: tuple[str, ...],
) -> None:  # fmt: skip
    for name in packages:
        pytest.importorskip(name)
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    [row] = run([training(small, *column)], "traps", small.context, tmp_path / "log")["none"]
    assert row["status"] == "ok" and row["compile_count"] >= 1, row
    recompiling = training(small, *column, trap="other steps")
    [row] = run([recompiling], "traps", small.context, tmp_path / "log")["other steps"]
    assert row["status"] == "wrong" and "times while timed" in row["reason"], row


@pytest.mark.parametrize(
    ("package", "framework", "words"),
    [("torch", "pytorch", "nothing was compiled"), ("optax", "jax", "programs were compiled, one")],
)
def test_training_steps_that_run_eagerly_are_refused(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    package: str, framework: str, words: str,
) -> None:  # fmt: skip
    pytest.importorskip(package)
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    eager = training(small, framework, trap="steps eagerly")
    [row] = run([eager], "traps", small.context, tmp_path / "log")["steps eagerly"]
    assert row["status"] == "wrong" and words in row["reason"], row


@pytest.mark.parametrize(("package", "framework"), [("torch", "pytorch"), ("optax", "jax")])
def test_training_steps_that_learn_nothing_are_refused(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, framework: str
) -> None:
    pytest.importorskip(package)
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    still = training(small, framework, trap="never learns")
    # Without dropout: with it no two losses are alike, whatever is learned.
    still = replace(still, mode="eager", architecture="cnn-32-16-8", weights="random")
    [row] = run([still], "traps", small.context, tmp_path / "log")["never learns"]
    assert row["status"] == "wrong" and "nothing was learned" in row["reason"], row


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
from bench.timed import Timed
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

timed = Timed(frameworks.load("jax"), call, dict, {})
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
    rows = []
    for number, more in ((0, context), (1, context), (0, context), (1, small.context)):
        job = Job("bench.timing", (cell,), more, number)
        processes.run([job], lambda c, n, found: rows.extend(found), 300, tmp_path / "log", print)
    assert [row["cache"] for row in rows] == ["cold", "warm", "cold", "cold"], rows
    assert rows[1]["compile_s"] < min(rows[n]["compile_s"] for n in (0, 2, 3))


def test_the_barrier_is_inside_the_timed_region() -> None:
    pytest.importorskip("jax")
    done = subprocess.run(
        [sys.executable, "-c", BARRIER], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    # The bare call returns before its work is done; the one under the stopwatch does not.
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_a_missing_barrier_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jax")
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    jax = replace(TRAP, framework="jax")
    traps = ("waited", "unwaited", "briefly unwaited")
    cells = [replace(jax, options=(("trap", trap),)) for trap in traps]
    found = run(cells, "traps", {}, tmp_path / "log")
    assert found["waited"][0]["status"] == "ok", found
    for trap in traps[1:]:
        row = found[trap][0]
        assert row["status"] == "wrong" and "samples_ns" not in row, trap
        assert "was not there when the call was over" in row["reason"]


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
    found = run(cells, "bench.timing", small.context, tmp_path / "log")
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
    [row] = run([cell], "bench.timing", small.context, tmp_path / "log")["train_step"]
    assert row["status"] == "skipped" and row["reason"].startswith("not compiled"), row
