from __future__ import annotations

import io
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.engine import processes
from bench.engine.child import Job
from bench.engine.worker import Reporter
from bench.record.cell import NUDGED, Cell
from bench.record.schema import COLUMNS
from bench.stages import train
from bench.subject.names import pick_columns
from bench.subject.request import Request
from implementations import frameworks
from implementations.architecture import registered, weights
from implementations.architecture.recipes import Recipe, recipe
from implementations.errors import BadInput

EPOCHS = 3


class Killer(Reporter):
    """Ends the training after some epochs, as a kill would: nothing is cleaned up."""

    def __init__(self, epochs: int) -> None:
        super().__init__(io.StringIO())
        self.epochs = epochs

    def send(self, event: str, **content: Any) -> None:
        super().send(event, **content)
        self.epochs -= 1
        if not self.epochs:
            raise KeyboardInterrupt


def cell(small: Any, optimizer: str = "native") -> Cell:
    return Cell(
        stage="train", task="train", framework="pytorch", dataset="digits", weights="",
        architecture=small.cell.architecture, optimizer=optimizer, epochs=EPOCHS, mode="eager",
    )  # fmt: skip


@pytest.mark.parametrize("optimizer", ["native", "matched"])
def test_a_killed_training_goes_on_bit_for_bit(small: Any, optimizer: str) -> None:
    pytest.importorskip("torch")
    asked = cell(small, optimizer)
    out = Path(small.context["out"])
    apart = {**small.context, "out": str(out.parent)}
    whole = list(train.train(asked, apart, Reporter(io.StringIO())))

    for epochs in (1, 1):  # killed twice
        with pytest.raises(KeyboardInterrupt):
            list(train.train(asked, small.context, Killer(epochs)))
        assert [path.suffixes for path in out.iterdir()] == [[".checkpoint", ".safetensors"]]
    said = io.StringIO()
    rows = list(train.train(asked, small.context, Reporter(said)))
    assert "epoch 3/3" in said.getvalue() and "epoch 2" not in said.getvalue()

    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["losses"] for row in rows] == [row["losses"] for row in whole]
    assert all(len(row["losses"]) == 24 for row in rows)  # 1,500 images, 64 a batch
    assert rows[-1]["weights_sha"] == whole[-1]["weights_sha"]
    first, second = (weights.load(folder / rows[-1]["artefact"]) for folder in (out, out.parent))
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])
    assert [path.name for path in out.iterdir()] == [rows[-1]["artefact"]]


def test_rows_tell_of_a_training_that_learns(small: Any) -> None:
    pytest.importorskip("torch")
    rows = list(train.train(cell(small), small.context, Reporter(io.StringIO())))
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]
    confusion = np.array(rows[-1]["confusion"])
    assert confusion.shape == (10, 10) and confusion.sum() == 297
    assert rows[-1]["test_accuracy"] == pytest.approx(np.trace(confusion) / 297)
    assert not set().union(*rows) - set(COLUMNS)
    network = registered.file_name(small.cell.architecture)
    assert rows[-1]["artefact"] == f"digits--{network}--pytorch--native--seed0.safetensors"


def test_prediction_is_streamed_without_a_trace(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle = frameworks.load("reference")
    tensors = weights.randomise(small.architecture, 0)
    network = oracle.build(small.architecture, tensors, "cpu", "float64")
    images = np.random.default_rng(0).random((11, 28, 28, 1), np.float32)
    whole = train.predict(oracle, network, images)
    monkeypatch.setattr(train, "EVALUATION_BATCH", 4)
    np.testing.assert_allclose(train.predict(oracle, network, images), whole, rtol=1e-12)


def test_nudged_weights_are_one_unit_in_the_last_place_away() -> None:
    start = {"kernel": np.random.default_rng(0).normal(size=(3, 50)).astype(np.float32),
             "bias": np.zeros(4, np.float32)}  # fmt: skip
    moved = train.nudged(start, 0)
    steps = moved["kernel"].view(np.int32) - start["kernel"].view(np.int32)
    assert moved["kernel"].dtype == np.float32 and set(np.abs(steps).ravel()) == {1}
    assert 40 < (steps > 0).sum() < 110
    np.testing.assert_array_equal(moved["bias"], start["bias"])
    assert (train.nudged(start, 1)["kernel"] != moved["kernel"]).any()


def test_batch_order_is_shared_and_reproducible() -> None:
    shuffled, file = Recipe(order="shuffled"), Recipe(order="file")
    first = train.batch_order(shuffled, 1000, 3, 1)
    np.testing.assert_array_equal(first, train.batch_order(shuffled, 1000, 3, 1))
    np.testing.assert_array_equal(np.sort(first), np.arange(1000))
    for other in ((1000, 3, 2), (1000, 4, 1)):
        assert (train.batch_order(shuffled, *other) != first).any()
    np.testing.assert_array_equal(train.batch_order(file, 1000, 3, 1), np.arange(1000))


def test_cells_are_one_a_column_optimizer_and_seed() -> None:
    ask = Request(
        datasets=("digits",), architectures=(), columns=pick_columns(["jax", "pytorch"]),
        methods=(), seeds=2,
    )  # fmt: skip
    found = list(train.cells(ask, "digits", "cnn-gap", ("native", "sgd")))
    assert len({each.cell_id for each in found}) == len(found) == 2 * (2 + 1)
    assert {each.column.label for each in found if each.seed} == {"pytorch"}
    assert {each.epochs for each in found} == {recipe("cnn-gap", "digits").epochs}
    short = list(train.cells(replace(ask, seeds=1), "digits", "cnn-gap", ("sgd",), steps=5))
    assert {(each.epochs, each.steps) for each in short} == {(0, 5)}
    labels = [train.label(each) for each in [*found, *short]]
    assert len(set(labels)) == 7
    assert [(each.column.label, each.weights) for each in short] == [
        ("jax", ""), ("pytorch", ""), ("pytorch", NUDGED),
    ]  # fmt: skip
    compared = list(train.cells(ask, "digits", "cnn-gap", ("sgd",), steps=100))
    assert {(each.seed, each.steps) for each in compared} == {(0, 100), (1, train.COMPARED_STEPS)}


def test_a_network_for_another_data_set_is_refused(small: Any, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    form = json.loads(Path(small.cell.architecture).read_text())
    few = {"classes": 4, "nodes": [*form["nodes"][:-1], {**form["nodes"][-1], "units": 4}]}
    for changed, words in (({"input_shape": [32, 32, 1]}, "(32, 32, 1)"), (few, "4 classes")):
        path = tmp_path / "other.json"
        path.write_text(json.dumps({**form, **changed}))
        registered.get.cache_clear()
        with pytest.raises(BadInput) as refused:
            asked = replace(cell(small), architecture=str(path))
            list(train.train(asked, small.context, Reporter(io.StringIO())))
        assert words in str(refused.value)
    assert not list(Path(small.context["out"]).iterdir())


def test_a_small_data_set_is_cut_into_smaller_batches() -> None:
    for n, batch in ((60_000, 256), (1_500, 64), (5_120, 256), (5_119, 128), (5, 1)):
        assert train.fitted(Recipe(), n) == Recipe(batch=batch)
    assert train.fitted(Recipe(batch=250), 48_000).batch == 250


@pytest.mark.parametrize("column", frameworks.columns(), ids=lambda column: column.label)
def test_every_column_goes_on_after_a_kill(
    column: frameworks.Column, small: Any, tmp_path: Path
) -> None:
    if column.missing:
        pytest.skip(column.missing)
    asked = replace(cell(small), framework=column.framework, backend=column.backend, epochs=2)
    stop = threading.Event()
    said: list[str] = []
    rows: list[dict[str, Any]] = []

    def say(text: str) -> None:
        said.append(text)
        stop.set()

    job = Job("bench.stages.train", (asked,), small.context)

    def keep(cell: Cell, number: int, found: list[dict[str, Any]]) -> None:
        rows.extend(found)

    processes.run([job], keep, 300, tmp_path / "log", say, stop)
    assert not rows and "epoch 1/2" in said[0]
    assert [p.suffixes[0] for p in Path(small.context["out"]).iterdir()] == [".checkpoint"]
    processes.run([job], keep, 300, tmp_path / "log", said.append)
    assert [row["status"] for row in rows] == ["ok", "ok"], rows
    assert "epoch 2/2" in said[1] and len(said) == 2  # the first is not trained again
    assert rows[1]["train_loss"] < rows[0]["train_loss"]
