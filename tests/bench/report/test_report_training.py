from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.curves import curves, difference, parted
from bench.report.tables import training, training_likeness, training_parting, training_per_class


def test_one_line_a_column_with_medians_over_seeds(make: Any) -> None:
    native = {"optimizer": "native"}
    rows = make.epochs("jax", [[2.0, 1.0], [0.5, 0.5], [0.4, 0.2]], **native)
    other = make.epochs("jax", [[2.0, 1.0], [0.5, 0.5], [0.2, 0.2]], seed=1, **native)
    other[-1]["test_accuracy"] = 0.8
    rows += other
    same = {"task": "train_step", "method": "", "layer": ""}
    rows += make.times("jax", [30.0], **same) + make.times("jax", [10.0], mode="xla", **same)
    table = training.make(make.frame(rows))
    line = table.data.iloc[0]
    assert line["test_accuracy"] == pytest.approx(0.85)
    assert line["first_epoch_loss"] == 1.5
    assert line["last_epoch_loss"] == pytest.approx(0.25)
    assert line["step_ms"] == 2.5  # epochs take 1, 2 and 3 ms: the first is left out
    assert line["plain_loop_ratio"] == pytest.approx(3)
    assert table.sections[0].frame["test accuracy"][0] == "0.8500 (0.8000–0.9000)"


def test_the_plain_loop_is_of_one_run_and_of_what_was_timed(make: Any) -> None:
    step = {"task": "train_step", "method": "", "layer": ""}
    rows = make.epochs("jax", [[1.0]], mode="compiled", optimizer="native")
    rows += make.epochs("jax", [[1.0]], mode="compiled", optimizer="sgd")
    rows += make.epochs("keras[torch]", [[1.0]], mode="compiled", optimizer="native")
    for batch, eager in ((1, 5.0), (10, 30.0)):
        rows += make.times("jax", [eager], batch=batch, **step)
        rows += make.times("jax", [10.0], batch=batch, mode="compiled", **step)
    why = {"status": "skipped", "reason": "it steps eagerly", "mode": "compiled"}
    rows.append(make.row("time", "keras[torch]", **step, **why))
    older = [
        row | {"run_id": "time-20200101T000000-m1"} for row in make.times("jax", [1.0], **step)
    ]
    table = training.make(make.frame(rows + older))
    shown = table.sections[0].frame.set_index("optimizer")["plain loop, ms"]
    assert shown.to_dict() == {
        "native, compiled": "30.0 / 10.0 = ×3.00", "sgd, compiled": "–", "native, eager": "–",
    }  # fmt: skip


def test_a_single_epoch_is_timed_by_itself(make: Any) -> None:
    table = training.make(make.frame(make.epochs("jax", [[1.0]])))
    assert table.data["step_ms"].tolist() == [1.0]
    assert table.sections[0].frame["plain loop, ms"][0] == "–"


def test_epochs_after_a_gap_are_left_out(make: Any) -> None:
    rows = make.epochs("jax", [[3.0], [2.0], [1.0]])
    (curve,) = curves(make.frame([rows[0], rows[2]]))
    assert curve.losses.tolist() == [3.0]


def test_no_training_gives_no_table(make: Any) -> None:
    rows = [make.row("train", "jax", task="train", status="skipped", reason="not installed")]
    for module in (training, training_parting, training_likeness, training_per_class):
        assert module.make(make.frame(rows)).data.empty


def test_parting_within_steps_and_where(make: Any) -> None:
    base = [1.0] * 30
    apart = [1.0] * 4 + [1.0005] * 6 + [1.01] * 20
    rows = make.epochs("jax", [base[:15], base[15:]]) + make.epochs("pytorch", [apart])
    rows = [{**row, "epochs": 0} for row in rows]
    table = training_parting.make(make.frame(rows))
    line = table.data.iloc[0]
    assert (line["a"], line["b"]) == ("jax", "pytorch")
    assert line["within_1"] == 0
    assert line["within_5"] == pytest.approx(0.0005 / 1.0005)
    assert line["within_20"] == pytest.approx(0.01 / 1.01)
    assert math.isnan(line["within_100"])
    assert line["parted_at"] == 11
    assert table.sections[0].frame["parted at"][0] == "step 11"


def test_native_optimizers_and_other_seeds_are_not_paired(make: Any) -> None:
    rows = make.epochs("jax", [[1.0]], optimizer="native")
    rows += make.epochs("pytorch", [[2.0]], optimizer="native")
    rows += make.epochs("jax", [[1.0]], seed=1) + make.epochs("pytorch", [[2.0]], seed=2)
    assert training_parting.make(make.frame(rows)).data.empty


def test_first_steps_of_native_optimizers_are_paired(make: Any) -> None:
    first = {"optimizer": "native", "epochs": 0, "steps": 1}
    rows = make.epochs("jax", [[1.0]], **first) + make.epochs("pytorch", [[2.0]], **first)
    table = training_parting.make(make.frame(rows))
    assert table.data["within_1"].tolist() == [0.5]


def test_a_nudged_start_is_paired_with_its_own_column_only(make: Any) -> None:
    rows = make.epochs("jax", [[1.0, 1.0]], weights="")
    rows += make.epochs("pytorch", [[1.0, 1.0]], weights="")
    frame = make.frame(rows + make.epochs("pytorch", [[1.0, 1.5]], weights="nudged"))
    table = training_parting.make(frame)
    assert list(zip(table.data["a"], table.data["b"], strict=True)) == [
        ("jax", "pytorch"), ("pytorch", "pytorch nudged"),
    ]  # fmt: skip
    assert len(curves(frame)) == 2  # in no other table


def test_first_steps_taken_again_and_longer_are_told_once(make: Any) -> None:
    rows = []
    for column in ("jax", "pytorch"):
        for steps in (2, 3):
            same = {"epochs": 0, "steps": steps}
            rows += make.epochs(column, [[1.0] * steps], cell_id=f"{column} {steps}", **same)
    table = training_parting.make(make.frame(rows))
    assert table.data["steps_compared"].tolist() == [3]


def test_equal_curves_never_part(make: Any) -> None:
    rows = make.epochs("jax", [[1.0, 0.0]]) + make.epochs("pytorch", [[1.0, 0.0]])
    table = training_parting.make(make.frame(rows))
    assert table.sections[0].frame["parted at"][0] == "not in 2"


def test_nan_loss_counts_as_parted() -> None:
    a, b = np.array([1.0, np.nan, 1.0]), np.array([1.0, 1.0, 1.0])
    assert parted(difference(a, b)) == 2


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=30), st.floats(0, 0.5))
def test_difference_of_scaled_curves(losses: list[float], share: float) -> None:
    a = np.array(losses)
    apart = difference(a, a * (1 - share))
    np.testing.assert_array_equal(apart, difference(a * (1 - share), a))
    np.testing.assert_allclose(apart[a > 1e-100], share, atol=1e-12)
    assert (apart[a == 0] == 0).all()


def test_per_class_against_scikit_learn(make: Any) -> None:
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    generator = np.random.default_rng(0)
    true, predicted = generator.integers(0, 5, (2, 300))
    ours = training_per_class.per_class(confusion_matrix(true, predicted))
    theirs = precision_recall_fscore_support(true, predicted)
    for name, expected in zip(("precision", "recall", "f1"), theirs, strict=False):
        np.testing.assert_allclose(ours[name], expected)


def test_a_class_never_predicted_has_no_precision() -> None:
    found = training_per_class.per_class(np.array([[0, 2], [0, 3]]))
    assert math.isnan(found["precision"][0])
    assert found["recall"].tolist() == [0, 1]
    assert found["f1"].tolist() == [0, 0.75]


def test_per_class_pools_seeds(make: Any) -> None:
    rows = make.epochs("jax", [[1.0]]) + make.epochs("jax", [[1.0]], seed=1)
    table = training_per_class.make(make.frame(rows))
    assert table.data["images"].tolist() == [8, 8]
    assert table.sections[0].frame["jax"][0] == "1.000 / 0.750 / 0.857"


def test_likeness_tells_the_noise_floor_from_frameworks(make: Any) -> None:
    pairs = [
        ("jax seed 0", "jax seed 1", 0.6),
        ("jax seed 0", "keras[torch] seed 0", 0.9),
        ("jax seed 1", "keras[torch] seed 1", 0.8),
        ("jax seed 1", "keras[torch] seed 0", 0.5),
    ]
    rows = [
        make.row("train", "jax", cell_id="c", task="likeness", metric="spearman", value=v,
                 weights=a, against=b, n=10)
        for a, b, v in pairs
    ]  # fmt: skip
    table = training_likeness.make(make.frame(rows))
    shown = table.sections[0].frame.set_index("pairs")
    assert shown.loc[training_likeness.OTHER_SEED, "spearman"] == "0.600"
    assert shown.loc[training_likeness.OTHER_COLUMN, "spearman"] == "0.850 (0.800–0.900)"
    assert len(table.data) == 4
