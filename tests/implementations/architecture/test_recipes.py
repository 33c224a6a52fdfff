"""Optimisers against their formulas in NumPy, each column in a process of its own:

this file as a script, `test_recipes.py COLUMN OUT.npz`, trains and writes the weights.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.engine.environment import environment
from bench.record.cell import Cell
from bench.subject.explainer import load_framework
from implementations.architecture.graph import parse
from implementations.architecture.recipes import RECIPES, Recipe, recipe
from implementations.architecture.weights import initialise
from implementations.frameworks import columns, trainers

ROOT = Path(__file__).parents[3]
STEPS = 6
CHOSEN = Recipe(learning_rate=0.01, epsilon=0.003, sgd_learning_rate=0.3, warm_up=4)
NODES = [
    {"name": "flat", "kind": "flatten", "inputs": "input"},
    {"name": "dense", "kind": "dense", "inputs": "flat", "units": 3, "bias": False},
]
LINEAR = parse({"input_shape": [2, 3, 1], "classes": 3, "nodes": NODES}, "linear")


def data() -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    rng = np.random.default_rng(0)
    return rng.random((12, 2, 3, 1), np.float32), rng.integers(0, 3, 12).astype(np.int32)


def start() -> NDArray[np.float64]:
    return initialise(LINEAR, 0)["dense.kernel"].astype(np.float64)


def gradient(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the mean cross-entropy."""
    images, labels = data()
    pixels = images.reshape(12, 6).astype(np.float64)
    odds = np.exp(pixels @ kernel)
    apart = odds / odds.sum(axis=1, keepdims=True) - np.eye(3)[labels]
    return pixels.T @ apart / 12


def adam(warm_up: int) -> NDArray[np.float64]:
    """Kingma & Ba 2015, algorithm 1, at a rate that grows for so many steps."""
    kernel, mean, square = start(), np.zeros((6, 3)), np.zeros((6, 3))
    for step in range(1, STEPS + 1):
        now = gradient(kernel)
        mean = CHOSEN.beta_1 * mean + (1 - CHOSEN.beta_1) * now
        square = CHOSEN.beta_2 * square + (1 - CHOSEN.beta_2) * now**2
        corrected = mean / (1 - CHOSEN.beta_1**step)
        scale = np.sqrt(square / (1 - CHOSEN.beta_2**step)) + CHOSEN.epsilon
        kernel = kernel - CHOSEN.learning_rate * min(step / warm_up, 1) * corrected / scale
    return kernel


def sgd() -> NDArray[np.float64]:
    kernel = start()
    for _ in range(STEPS):
        kernel = kernel - CHOSEN.sgd_learning_rate * gradient(kernel)
    return kernel


def train(label: str, out: str) -> None:
    """The weights after whole epochs, and after a stop in the middle of the growing rate."""
    framework, _ = load_framework(cell(label))
    images, labels = data()
    found = {}

    def begin(optimizer: str, mode: str) -> Any:
        network = framework.build(LINEAR, initialise(LINEAR, 0), "cpu", "float32")
        return trainers(label.partition("[")[0])(
            network, CHOSEN, optimizer, images, labels, 0, mode
        )

    for optimizer in ("matched", "sgd"):
        for mode in ("eager", "compiled"):
            trainer = begin(optimizer, mode)
            for _ in range(STEPS):
                trainer.epoch(np.arange(12), 12)
            found[f"{optimizer} {mode}"] = trainer.weights()["dense.kernel"]
        first, second = begin(optimizer, "eager"), begin(optimizer, "eager")
        first.epoch(np.arange(12), 12)
        first.epoch(np.arange(12), 12)
        second.restore(first.state())
        for _ in range(STEPS - 2):
            second.epoch(np.arange(12), 12)
        found[f"{optimizer} resumed"] = second.weights()["dense.kernel"]
    np.savez(out, **found)


def cell(label: str) -> Cell:
    column = next(column for column in columns() if column.label == label)
    return Cell(
        stage="train", framework=column.framework, backend=column.backend, dataset="digits",
        architecture="linear",
    )  # fmt: skip


@pytest.mark.parametrize("label", [column.label for column in columns()])
def test_every_column_takes_the_steps_of_the_formula(label: str, tmp_path: Path) -> None:
    asked = cell(label)
    if reason := asked.column.missing:
        pytest.skip(reason)
    out = tmp_path / "found.npz"
    done = subprocess.run(
        [sys.executable, __file__, label, str(out)], cwd=ROOT, check=False, text=True,
        env={**os.environ, **environment(asked), "PYTHONPATH": str(ROOT)}, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    wanted = {"matched": adam(CHOSEN.warm_up), "sgd": sgd()}
    with np.load(out, allow_pickle=False) as found:
        assert len(found) == 6
        for name, kernel in found.items():
            moved = wanted[name.split()[0]] - start()
            np.testing.assert_allclose(kernel - start(), moved, atol=1e-5 * np.abs(moved).max())


def test_a_growing_rate_is_seen() -> None:
    """The check above can fail: at its full rate from the first step Adam ends elsewhere."""
    apart = np.abs(adam(CHOSEN.warm_up) - adam(1)).max()
    assert apart > 0.1 * np.abs(adam(1) - start()).max()


def test_digits_are_few_so_they_get_more_epochs() -> None:
    assert recipe("cnn-48-32-16", "digits").epochs == 12
    assert recipe("cnn-gap", "digits").epochs == 40
    assert recipe("cnn-gap", "digits", 3).epochs == 3
    assert recipe("cnn-48-32-16", "fashion_mnist") == RECIPES["cnn-48-32-16"]


if __name__ == "__main__":
    train(*sys.argv[1:])
