from __future__ import annotations

from pathlib import Path

from bench.conduct import Conductor
from bench.plans import Network
from bench.stages import Ask, pick_columns

NETWORKS = (
    Network("digits", "cnn-32-16-8", "all"), Network("digits", "cnn-gap", "pytorch"),
    Network("shapes", "cnn-32-16-8", "jax"),
)  # fmt: skip


def conductor(results: Path, seeds: int = 1) -> Conductor:
    ask = Ask(
        datasets=("digits", "shapes"), architectures=("cnn-32-16-8", "cnn-gap"),
        columns=pick_columns(["jax", "pytorch"]), methods=("grad_cam",), n_images=4, seeds=seeds,
        results=results,
    )  # fmt: skip
    return Conductor("compare", ask, NETWORKS)


def test_first_steps_are_of_what_all_columns_train(tmp_path: Path) -> None:
    plain = conductor(tmp_path)._first_steps()
    assert {(c.dataset, c.architecture) for c in plain} == {("digits", "cnn-32-16-8")}
    assert {(c.optimizer, c.steps, c.seed) for c in plain} == {("matched", 20, 0)}
    seeded = conductor(tmp_path, seeds=3)._first_steps()
    assert {(c.optimizer, c.steps, c.seed) for c in seeded} == {
        (optimizer, 20 if seed else 100, seed)
        for optimizer in ("matched", "native", "sgd")
        for seed in range(3)
    }
    assert len(seeded) == 3 * 9  # two columns, and one of them from nudged weights
