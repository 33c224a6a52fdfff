from __future__ import annotations

from pathlib import Path
from typing import Any

import counting
import pytest

from bench.job.pipeline import Pipeline
from bench.stages import steps
from bench.stages.time import stage as time
from bench.subject import stages
from bench.subject.names import pick_columns
from bench.subject.networks import Network
from bench.subject.request import Request

NETWORKS = (
    Network("digits", "cnn-32-16-8", "all"), Network("digits", "cnn-gap", "pytorch"),
    Network("shapes", "cnn-32-16-8", "jax"),
)  # fmt: skip


def pipeline(results: Path, seeds: int = 1, **more: Any) -> Pipeline:
    ask = Request(
        datasets=("digits", "shapes"), architectures=("cnn-32-16-8", "cnn-gap"),
        columns=pick_columns(["jax", "pytorch"]), methods=("grad_cam",), n_images=4, seeds=seeds,
        results=results, **more,
    )  # fmt: skip
    return Pipeline("compare", ask, NETWORKS)


def test_first_steps_are_of_what_all_columns_train(tmp_path: Path) -> None:
    plain = steps.first(pipeline(tmp_path))
    assert {(c.dataset, c.architecture) for c in plain} == {("digits", "cnn-32-16-8")}
    assert {(c.optimizer, c.steps, c.seed) for c in plain} == {("matched", 20, 0)}
    seeded = steps.first(pipeline(tmp_path, seeds=3))
    assert {(c.optimizer, c.steps, c.seed) for c in seeded} == {
        (optimizer, 20 if seed else 100, seed)
        for optimizer in ("matched", "native", "sgd")
        for seed in range(3)
    }
    assert len(seeded) == 3 * 9  # two columns, and one of them from nudged weights


def test_what_is_timed_is_the_grid_around_each_precision_asked_for(tmp_path: Path) -> None:
    leader = pipeline(tmp_path, grid="default", precisions=("float32", "float64"))
    one, other, both = (
        time.grid(leader, asked) for asked in (("float32",), ("float64",), ("float32", "float64"))
    )
    assert set(both) == {*one, *other} and len(both) == len(set(both))
    # Each grid is of one base, and has that base's precisions beside it.
    assert {cell.precision for cell in one} == {"float32", "float64", "bfloat16"}
    trained = {cell.precision for cell in other if cell.task == "train_step"}
    assert trained == {"float64"} and len(both) > len(one)


def test_a_stage_of_cells_and_a_measure_is_run_in_children_and_gathered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "children"))
    monkeypatch.setattr(stages, "load", {"count": counting}.__getitem__)
    job = pipeline(tmp_path)
    rows = job.stage("count")
    assert [row["n_images"] for row in rows] == [4] * len(NETWORKS)
    assert job.run.head["counted"] == 4 * len(NETWORKS)
