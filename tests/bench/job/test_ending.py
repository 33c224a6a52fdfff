from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.job import ending
from bench.job.pipeline import Pipeline
from bench.record.cell import Cell
from bench.subject.names import pick_columns
from bench.subject.networks import Network
from bench.subject.request import Request

SKIPPED = {"status": "skipped", "reason": "xla is a mode of keras[tensorflow]"}


def job(results: Path) -> Pipeline:
    asked = Request(
        datasets=("digits",), architectures=("cnn-gap",), columns=pick_columns(["jax"]),
        methods=("grad_cam",), n_images=4, batch=8, results=results,
    )  # fmt: skip
    return Pipeline("compare", asked, [Network("digits", "cnn-gap", "pytorch")])


def agreed(column: str, seed: int, **more: Any) -> tuple[Cell, list[dict[str, Any]]]:
    cell = Cell(
        stage="agree", framework=column, dataset="digits", architecture="cnn-gap",
        method="grad_cam", layer="relu4", seed=seed,
    )  # fmt: skip
    row = {"status": "ok", "compared": "heatmap", "agree": True, "max_rel": 1e-7, "n_images": 4,
           "median_rel": 1e-8, "tolerance": 1e-5, "share_within": 1.0, **more}  # fmt: skip
    return cell, [row]


def test_one_screen_is_of_this_run(tmp_path: Path) -> None:
    mine = job(tmp_path)
    mine.run.add(*_numbered(agreed("jax", 0)))
    mine.run.add(*_numbered(agreed("pytorch", 1)))
    mine.run.add(*_numbered((agreed("jax", 2)[0], [SKIPPED])))
    said = ending.screen(mine, mine.run.save())
    assert "Do the columns agree? 2 of 2 comparisons of Grad-CAM pass" in said
    assert "Left out: 1 cells that cannot be had here; 1 of them: xla is a mode" in said
    assert said.count(SKIPPED["reason"]) == 1
    assert str(tmp_path) in said.splitlines()[-1] and len(said.splitlines()) <= 24


def test_the_fastest_and_the_table_are_of_what_was_timed(tmp_path: Path) -> None:
    mine = job(tmp_path)
    for framework, median in (("jax", 4.0), ("pytorch", 2.0)):
        cell = Cell(
            stage="time", framework=framework, dataset="digits", architecture="cnn-gap",
            method="grad_cam", batch=8, mode="compiled",
        )  # fmt: skip
        for number in range(3):
            ms = median * (1 + number / 200)
            row = {"status": "ok", "median_ms": ms, "stable": True,
                   "samples_ns": [int(ms * 1e6)], "varies": ""}  # fmt: skip
            mine.run.add(cell, number, [row])
    said = ending.screen(mine, mine.run.save())
    assert "Fastest here: pytorch, compiled: 0.251 ms an image (next jax, 0.502 ms)" in said
    assert said.count("cnn-gap") >= 1 and "gpu" not in said.partition("Fastest")[2]
    assert "3 processes" in said


def test_the_answers_are_of_the_base_of_the_times(tmp_path: Path) -> None:
    place = ending.place(job(tmp_path))
    assert place == ("digits", "cnn-gap", "cpu", "float32", 8, "relu4")


def test_few_failures_are_told_one_by_one() -> None:
    row = {"column": "jax", "method": "grad_cam", "task": "heatmap", "architecture": "a",
           "dataset": "d", "compared": "heatmap", "max_rel": 0.5}  # fmt: skip
    told = list(ending.failures([row] * 12, Path("here")))
    assert len(told) == ending.MOST + 1 and "heatmap differs by 0.5" in told[0]
    assert "and 7 more" in told[-1]


def _numbered(given: tuple[Cell, list[dict[str, Any]]]) -> tuple[Cell, int, list[dict[str, Any]]]:
    cell, rows = given
    return cell, 0, rows
