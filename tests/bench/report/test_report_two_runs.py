from __future__ import annotations

import math
from typing import Any

import pytest

from bench.report.statistics import different, estimate
from bench.report.two_runs import changes, differences, only, ratio, things

FORWARD = {"task": "forward", "method": "", "layer": ""}


def found(make: Any, rows: list[dict[str, Any]]) -> Any:
    return things((make.head, rows))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, []),
        ({"os": "Linux 7", "git_sha": "fedcba", "run_id": "another"}, []),
        ({"machine_id": "m2"}, ["machine m1 → m2"]),
        ({"driver": "550.1"}, ["GPU driver none → 550.1"]),
        ({"python": "3.12.1"}, ["python 3.11.9 → 3.12.1"]),
        (
            {"versions": {"numpy": "2.2.0", "jax": "0.9"}},
            ["numpy 2.1.0 → 2.2.0", "jax none → 0.9"],
        ),
        ({"versions": {}}, ["numpy 2.1.0 → none"]),
    ],
)
def test_machine_driver_and_versions_are_what_two_runs_may_differ_in(
    make: Any, changed: dict[str, Any], told: list[str]
) -> None:
    assert differences(make.head, {**make.head, **changed}) == told


def test_things_are_of_the_time_stage_one_for_each_cell(make: Any) -> None:
    rows = make.times("jax", [1.0, 3.0]) + make.times("jax", [5.0], mode="compiled")
    rows += [*make.times("jax", [7.0], dataset="shapes"), make.agree("jax", "logits")]
    eager, compiled, shapes = sorted(
        found(make, rows).values(), key=lambda thing: thing.timing.estimate.value
    )
    assert eager.timing.quick == {0: 1.0, 1: 3.0} and eager.timing.estimate == estimate([1.0, 3.0])
    assert (compiled.timing.mode, compiled.code) == ("compiled", "aaa")
    assert shapes.key["dataset"] == "shapes"


def test_code_that_is_not_on_disk_any_longer_makes_nothing_stale(make: Any) -> None:
    (thing,) = found(make, make.times("jax", [1.0], code_hash="long gone")).values()
    assert not thing.timing.stale and thing.code == "long gone"


def test_milliseconds_are_compared_by_the_rule_for_cells(make: Any) -> None:
    earlier = [10.0, 10.1, 10.2]
    for now, real in (([20.0, 20.1, 20.2], True), ([10.3, 10.4, 10.5], False)):
        before = found(make, make.times("jax", earlier))
        (change,) = changes(before, found(make, make.times("jax", now)), ratios=False)
        assert change.real is real is different(estimate(earlier), estimate(now))
        assert change.factor == pytest.approx(now[1] / earlier[1], rel=1e-4)
        assert change.same_code


def test_a_single_process_cannot_tell(make: Any) -> None:
    before, after = found(make, make.times("jax", [1.0])), found(make, make.times("jax", [9.0] * 5))
    (change,) = changes(before, after, ratios=False)
    assert change.real is None


def test_other_code_is_told_and_what_has_no_time_is_no_change(make: Any) -> None:
    before = found(make, make.times("jax", [1.0] * 2) + make.times("pytorch", [1.0] * 2))
    wrong = {"status": "wrong", "median_ms": None}
    rows = make.times("jax", [1.0] * 2, code_hash="new") + make.times("pytorch", [0.0], **wrong)
    (change,) = changes(before, found(make, rows), ratios=False)
    assert change.key["column"] == "jax" and not change.same_code


def test_a_ratio_is_to_the_best_forward_pass_and_its_interval_round_by_round(make: Any) -> None:
    # The machine is twice as slow in the second round: the interval does not see it.
    rows = make.times("jax", [30.0, 60.0, 31.0], code_hash="aaa")
    rows += make.times("jax", [40.0, 80.0, 40.0], **FORWARD)
    rows += make.times("jax", [10.0, 20.0, 10.0], mode="compiled", **FORWARD)
    rows += make.times("pytorch", [1.0] * 3, **FORWARD)
    rows += make.times("jax", [1.0] * 3, batch=8, **FORWARD)
    rows += make.times("jax", [1.0] * 3, precision="bfloat16", **FORWARD)
    rows += make.times("jax", [1.0] * 3, dataset="shapes", **FORWARD)
    rows += make.times("jax", [1.0] * 3, device="gpu", **FORWARD)
    all_of = found(make, rows)
    (heatmap,) = (thing for thing in all_of.values() if thing.key["task"] == "heatmap")
    over = ratio(heatmap, all_of)
    assert over is not None
    forward = estimate([10.0, 20.0, 10.0])
    quotient = estimate([30.0, 60.0, 31.0]).value / forward.value
    assert over._replace(stable=True) == estimate([3.0, 3.0, 3.1]).at(quotient)
    assert not over.stable  # the milliseconds beneath it are not


def test_a_library_and_a_training_step_have_the_columns_own_forward_pass(make: Any) -> None:
    rows = make.times("pytorch", [10.0] * 2, **FORWARD)
    rows += make.times("pytorch", [20.0] * 2, library="captum", options=[["a", "1"]])
    step = {"task": "train_step", "method": "", "layer": "", "optimizer": "native"}
    rows += make.times("pytorch", [40.0] * 2, **step)
    all_of = found(make, rows)
    ratios = [ratio(thing, all_of) for thing in all_of.values()]
    assert sorted(over.value for over in ratios if over) == [1.0, 2.0, 4.0]


def test_there_is_no_ratio_without_a_forward_pass_of_the_same_round(make: Any) -> None:
    failed = {"status": "failed", "median_ms": None}
    rows = [make.row("time", "jax", round=1, median_ms=5.0, stable=True)]
    for forward in ([], make.times("jax", [1.0], **FORWARD | failed)):
        (thing, *_) = found(make, rows).values()
        assert ratio(thing, found(make, rows + forward)) is None
    one_round = found(make, rows + make.times("jax", [1.0], **FORWARD))  # of round 0
    assert ratio(thing, one_round) is None
    shared = found(make, rows + make.times("jax", [1.0, 2.0], **FORWARD))
    over = ratio(thing, shared)
    assert over is not None and over.value == pytest.approx(5.0 / 2.0**0.5) and math.isnan(over.low)


def test_ratios_are_compared_where_milliseconds_are_not(make: Any) -> None:
    def run(scale: float, cam: float) -> Any:
        rows = make.times("jax", [scale * v for v in (10.0, 10.1, 9.9)], **FORWARD)
        rows += make.times("jax", [scale * cam * v for v in (10.0, 10.1, 9.9)])
        rows += make.times("pytorch", [1.0] * 3)
        return found(make, rows)

    forward, heatmap = changes(run(1, 1.2), run(7, 1.2), ratios=True)
    assert (forward.real, heatmap.real) == (False, False)
    assert heatmap.earlier.value == pytest.approx(1.2)
    _, slower = changes(run(1, 1.2), run(0.1, 1.5), ratios=True)
    assert slower.real and slower.factor == pytest.approx(1.25)
    assert len(changes(run(1, 1.2), run(7, 1.2), ratios=False)) == 3


def test_what_the_other_run_was_not_asked_for_is_counted_apart(make: Any) -> None:
    narrow = make.times("jax", [1.0]) + make.times("jax", [1.0], mode="compiled", method="cam")
    wide = narrow + make.times("jax", [1.0], mode="compiled") + make.times("pytorch", [1.0])
    wide += make.times("jax", [1.0], mode="xla") + make.times("jax", [1.0], device="gpu")
    one, other = found(make, narrow), found(make, wide)
    (within,), elsewhere = only(other, one)
    assert (within.key["method"], within.key["mode"], elsewhere) == ("grad_cam", "compiled", 3)
    assert only(one, other) == ([], 0)
