from __future__ import annotations

from typing import Any

import pytest

from bench.report.site import trained


def test_losses_and_epochs_are_those_of_the_rows(make: Any, rows: list[Any]) -> None:
    found = trained.frames(make.frame(rows))
    mine = found["losses"]
    mine = mine[(mine["column"] == "jax") & (mine["optimizer"] == "native")]
    assert mine["loss"].tolist() == [2.0, 1.5, 1.0, 0.9] and mine["step"].tolist() == [1, 2, 3, 4]
    epochs = found["epochs"]
    assert epochs["epoch"].max() == 2 and epochs["test_accuracy"].max() == 0.9


def test_a_difference_is_told_where_it_grows(make: Any) -> None:
    rows = make.epochs("jax", [[1.0, 1.0, 1.0]]) + make.epochs("pytorch", [[1.0, 0.9, 0.95]])
    found = trained.frames(make.frame(rows))["parting"]
    assert found["pair"].unique().tolist() == ["jax, pytorch"]
    assert list(zip(found["step"], found["apart"], strict=True)) == [
        (2, pytest.approx(0.1)), (3, pytest.approx(0.1)),
    ]  # fmt: skip


def test_confusion_is_summed_and_its_classes_scored(make: Any) -> None:
    rows = make.epochs("jax", [[1.0]], seed=0) + make.epochs("jax", [[1.0]], seed=1)
    found = trained.frames(make.frame(rows))
    assert found["confusion"]["images"].tolist() == [6, 2, 0, 8]
    first = found["classes"].iloc[0]
    assert (first["class"], first["images"], first["recall"]) == ("class 0", 8, 0.75)


def test_trainings_of_two_lengths_are_told_apart(make: Any) -> None:
    rows = make.epochs("jax", [[2.0], [1.0]], epochs=2) + make.epochs("jax", [[2.0]], epochs=1)
    rows += make.epochs("jax", [[2.0]], epochs=1, steps=1)
    found = trained.frames(make.frame(rows))
    lengths = found["epochs"].groupby(["epochs", "steps"])["epoch"].max().to_dict()
    assert lengths == {(1, 0): 1, (1, 1): 1, (2, 0): 2}
    assert set(found["losses"][["epochs", "steps"]].itertuples(index=False, name=None)) == {
        (1, 0), (1, 1), (2, 0),
    }  # fmt: skip
