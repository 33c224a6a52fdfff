from __future__ import annotations

import math
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from bench.record.schema import COLUMNS
from bench.report.files import footer
from bench.report.frame import gather, groups, label, records
from implementations.errors import BadInput, Unavailable


def head(make: Any, stamp: str, **values: Any) -> dict[str, Any]:
    return {**make.head, "run_id": f"time-{stamp}-m1", **values}


def test_no_rows_give_every_column_and_no_line() -> None:
    frame = gather([])
    assert set(COLUMNS) < set(frame.columns)
    assert frame.empty


def test_what_is_missing_or_null_has_one_form(make: Any) -> None:
    row = make.row("time", "jax", reason=None, median_ms=None, options=[["a", "1"], ["b", "x"]])
    found = make.frame([row]).iloc[0]
    assert found["reason"] == ""
    assert found["optimizer"] == ""
    assert math.isnan(found["median_ms"])
    assert found["options"] == "a=1, b=x"


def costs(make: Any, medians: list[float], **values: Any) -> list[dict[str, Any]]:
    """Rows of rounds that are no times, of which a newer run's stand for an older one's."""
    return [row | {"stage": "contrast"} for row in make.times("jax", medians, **values)]


def test_the_newest_run_wins_round_by_round(make: Any) -> None:
    old, new = costs(make, [1.0, 2.0, 3.0]), costs(make, [10.0])
    runs = [(head(make, "20250102T000000"), new), (head(make, "20250101T000000"), old)]
    for _, rows in runs:
        for row in rows:
            del row["run_id"]
    frame = gather(runs, make.code_hash)
    assert sorted(frame["median_ms"]) == [2.0, 3.0, 10.0]


def test_times_of_two_runs_are_never_mixed(make: Any) -> None:
    runs = [
        (head(make, stamp), [row | {"run_id": stamp} for row in make.times("jax", medians)])
        for stamp, medians in (("20250101T000000", [1.0, 2.0]), ("20250102T000000", [10.0]))
    ]
    assert sorted(gather(runs, make.code_hash)["median_ms"]) == [1.0, 2.0, 10.0]


def test_a_newer_failure_hides_all_rows_of_the_older_success(make: Any) -> None:
    old = [make.agree("jax", name, run_id="a") for name in ("logits", "heatmap")]
    new = [make.row("agree", "jax", status="failed", reason="broke", run_id="b")]
    runs = [(head(make, "1"), old), (head(make, "2"), new)]
    assert gather(runs, make.code_hash)["status"].tolist() == ["failed"]


def test_a_pair_of_trainings_gives_way_to_that_pair_alone(make: Any) -> None:
    def likened(run: str, value: float, *others: str) -> list[dict[str, Any]]:
        pair = {"task": "likeness", "weights": "jax seed 0", "metric": "spearman", "run_id": run}
        return [make.row("train", "jax", **pair, against=b, value=value) for b in others]

    old = likened("a", 0.5, "jax seed 1", "pytorch seed 0")
    new = likened("b", 0.7, "jax seed 1", "jax seed 2")
    found = gather([(head(make, "1"), old), (head(make, "2"), new)], make.code_hash)
    values = dict(zip(found["against"], found["value"], strict=True))
    assert values == {"pytorch seed 0": 0.5, "jax seed 1": 0.7, "jax seed 2": 0.7}


def test_rows_of_one_cell_are_kept_apart(make: Any) -> None:
    rows = [make.agree("jax", name) for name in ("logits", "heatmap")] * 2
    rows += [
        make.row("contrast", "jax", metric=m, subset=s, value=1.0)
        for m in ("spearman", "cosine")
        for s in ("all", "wrong")
    ]
    rows += make.epochs("jax", [[1.0], [2.0]])
    assert len(make.frame(rows)) == 2 + 4 + 2


def test_stale_rows_are_marked_and_give_way(make: Any) -> None:
    stale = costs(make, [1.0, 1.0], code_hash="old")
    assert make.frame(stale)["stale"].tolist() == [True, True]
    fresh = costs(make, [5.0])
    later = [{**row, "run_id": "time-20990101T000000-m1"} for row in stale]
    runs = [(head(make, "20250101T000000"), fresh), (head(make, "20990101T000000"), later)]
    frame = gather(runs, make.code_hash)
    assert frame["median_ms"].tolist() == [5.0]
    assert frame["stale"].tolist() == [False]


def test_stale_agreement_gives_way_to_another_machines(make: Any) -> None:
    def run(machine: str, rows: list[dict[str, Any]]) -> tuple[dict[str, Any], Any]:
        return head(make, "20250101T000000", machine_id=machine), rows

    stale = make.agree("jax", "logits", code_hash="old")
    fresh, skipped = make.agree("jax", "logits"), make.row("agree", "jax", status="skipped")
    found = gather([run("m1", [stale]), run("m2", [fresh])], make.code_hash)
    assert found["machine_id"].tolist() == ["m2"]
    for other in (skipped, make.agree("pytorch", "logits"), costs(make, [1.0])[0]):
        both = gather([run("m1", [stale]), run("m2", [other])], make.code_hash)
        assert sorted(both["stale"]) == [False, True]
    both = gather([run("m1", costs(make, [1.0], code_hash="old")), run("m2", costs(make, [1.0]))],
                  make.code_hash)  # fmt: skip
    assert sorted(both["machine_id"]) == ["m1", "m2"]


def test_rows_of_whole_nodes_are_of_their_machines(make: Any) -> None:
    here, there = costs(make, [1.0, 1.0]), costs(make, [5.0], machine_id="m2")
    other = {"machine_id": "m2", "cpu": "another CPU"}
    run = {**head(make, "20250101T000000"), "machines": {"m2": other}}
    found = gather([(run, [*here, *there])], make.code_hash)
    assert sorted(zip(found["machine_id"], found["median_ms"], strict=True)) == [
        ("m1", 1.0), ("m1", 1.0), ("m2", 5.0),
    ]  # fmt: skip
    told = [line for line in footer([run], {run["run_id"]}) if line.startswith("Machine")]
    assert [line.partition(",")[0] for line in told] == [
        "Machine m1: a CPU", "Machine m2: another CPU",
    ]  # fmt: skip


def test_rows_made_with_other_versions_are_not_mixed(make: Any) -> None:
    old, new = costs(make, [1.0, 1.0]), costs(make, [5.0])
    runs = [
        (head(make, "20250101T000000"), [{**row, "run_id": "x"} for row in old]),
        (
            head(make, "20250102T000000", versions={"numpy": "3"}),
            [{**row, "run_id": "y"} for row in new],
        ),
    ]
    assert gather(runs, make.code_hash)["median_ms"].tolist() == [5.0]


def test_machines_are_kept_apart(make: Any) -> None:
    runs = [
        (head(make, "20250101T000000"), make.times("jax", [1.0])),
        (head(make, "20250102T000000", machine_id="m2"), make.times("jax", [5.0])),
    ]
    assert gather(runs, make.code_hash)["median_ms"].tolist() == [1.0, 5.0]


def test_code_that_is_gone_is_stale_and_code_that_is_not_here_is_not(make: Any) -> None:
    def gone(*_: str) -> str:
        raise BadInput("no such method")

    def absent(*_: str) -> str:
        raise Unavailable("not installed")

    runs = [(make.head, make.times("jax", [1.0]))]
    assert gather(runs, gone)["stale"].tolist() == [True]
    assert gather(runs, absent)["stale"].tolist() == [False]


def test_the_code_as_it_is_now_is_asked_by_default(make: Any) -> None:
    from bench.subject.fingerprint import code_hash

    now = code_hash("jax", "grad_cam", "", "heatmap", "cnn-gap", "digits", "time")
    mine = make.times("jax", [1.0], code_hash=now)
    assert gather([(make.head, mine)])["stale"].tolist() == [False]
    assert gather([(make.head, make.times("jax", [1.0]))])["stale"].tolist() == [True]


@given(st.lists(st.tuples(st.sampled_from(["", "a", "B", "é"]), st.integers(-1, 1), st.floats())))
def test_records_are_the_groups_row_by_row(rows: list[tuple[str, int, float]]) -> None:
    frame = pd.DataFrame(rows, columns=["name", "batch", "ms"])
    found = [(key, pd.DataFrame(mine)) for key, mine in records(frame, ("name", "batch"))]
    expected = list(groups(frame, ("name", "batch")))
    assert [key for key, _ in found] == [key for key, _ in expected]
    for (_, mine), (_, theirs) in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(mine, theirs.reset_index(drop=True), check_dtype=False)


def test_groups_keep_rows_with_empty_keys() -> None:
    frame = pd.DataFrame([{"a": "", "b": 1}, {"a": "x", "b": 1}, {"a": "", "b": 1}])
    assert [(key, len(rows)) for key, rows in groups(frame, ("a", "b"))] == [
        ({"a": "", "b": 1}, 2),
        ({"a": "x", "b": 1}, 1),
    ]


def test_label_names_what_was_done(make: Any) -> None:
    row = {"method": "", "library": "", "task": "forward", "options": "", "score": "logit"}
    assert label(row) == "forward pass"
    assert label({**row, "task": "train_step"}) == "training step"
    assert label({**row, "method": "saliency", "library": "captum"}) == "captum.saliency"
    assert label({**row, "method": "m", "options": "a=1", "score": "probability"}) == (
        "m (a=1, probability)"
    )


def test_what_little_disturbs_a_call_is_of_the_samples_where_there_are_any(make: Any) -> None:
    rows = make.times("jax", [5.0], samples_ns=[4e6, 9e6, 2e6, 5e6]) + make.times("pytorch", [7.0])
    frame = make.frame(rows).set_index("column")
    assert frame.loc["jax", "quick_ms"] == 3.0 and frame.loc["pytorch", "quick_ms"] == 7.0
