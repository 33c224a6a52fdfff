"""What earlier rows let be said and newer ones do not: from rows by hand."""

from __future__ import annotations

from typing import Any

import pytest

from bench.report import overturned
from bench.report.frame import gather
from bench.report.table import Table

CONTROL = "control.noise"
FIRST, SECOND = "contrast-20250101T000000-m1", "contrast-20250202T000000-m1"
Row = dict[str, Any]


def judged(make: Any, run_id: str, apart: bool, names: tuple[str, ...] = ("grad_cam",)) -> Any:
    """A run in which explainers are above a control on two metrics, or are not told from it."""
    same: Row = {
        "task": "apart",
        "method": "",
        "precision": "float64",
        "subset": "correct",
        "n": 60,
    }
    same["cell_id"] = "one cell tells a network's explainers apart"
    rows: list[Row] = []

    def add(stage: str, **values: Any) -> None:
        rows.append({**make.row(stage, "pytorch", **values), "run_id": run_id})

    for name in (*names, CONTROL):
        library = "control" if name == CONTROL else ""
        add("contrast", explainer=name, evaluations=1, method=name.rpartition(".")[2],
            library=library)  # fmt: skip
    for metric in ("removal_gain", "road"):
        told = {**same, "metric": metric}
        for name in (*names, CONTROL):
            letters = "b" if name == CONTROL or not apart else "a"
            add("judge", **told, explainer=name, statistic="mean", value=0.5, letters=letters)
        for name in names:
            for control in (CONTROL, "own_random"):
                add("judge", **told, explainer=name, against=control, value=0.5, ci_lo=0.4,
                    ci_hi=0.6, apart=apart, statistic="paired difference")  # fmt: skip
        cause = None if apart else "does not discriminate here"
        add("judge", **told, statistic="verdict", value=0.9, apart=apart, notes=cause)
    return {**make.head, "run_id": run_id}, make.described(rows)


def fallen(make: Any, runs: list[Any], left: list[Any] | None = None) -> Table:
    frame = gather(runs, make.code_hash)
    return overturned.make(runs, frame, left or [], make.code_hash)


@pytest.mark.parametrize("left", [False, True])
def test_a_finding_that_newer_rows_do_not_bear_is_named(make: Any, left: bool) -> None:
    first, second = judged(make, FIRST, True), judged(make, SECOND, False)
    runs = ([second], [first]) if left else ([first, second], [])
    data = fallen(make, *runs).data
    above = data[data["kind"] == "F2"].iloc[0]
    assert "grad_cam is above every control on removal_gain" in above["finding"]
    assert (above["before"], above["run_id"]) == (FIRST, SECOND)
    assert above["why"] == (
        "removal_gain: does not discriminate here; road: does not discriminate here"
    )
    (section,) = fallen(make, *runs).sections
    assert len(section.frame) == len(data)


def test_what_is_said_again_stands_and_that_is_told(make: Any) -> None:
    runs = [judged(make, FIRST, True), judged(make, SECOND, True)]
    data = fallen(make, runs).data
    assert data["finding"].tolist() == [overturned.ALL]
    assert fallen(make, runs[:1]).data.empty, "there was no last time"


def test_an_explainer_that_is_gone_takes_its_finding_with_it(make: Any) -> None:
    first = judged(make, FIRST, True, ("grad_cam", "rise"))
    data = fallen(make, [first, judged(make, SECOND, True)]).data
    assert data["why"].tolist() == ["not among the explainers: rise"]
    assert "rise is above every control" in data["finding"][0]


def test_that_nothing_was_told_apart_falls_where_something_is(make: Any) -> None:
    def few(run: Any) -> Any:
        head, rows = run
        return head, [{**row, "n": 20} if row["stage"] == "judge" else row for row in rows]

    runs = [few(judged(make, FIRST, True)), judged(make, SECOND, True)]
    data = fallen(make, runs).data
    assert data["why"].tolist() == ["something is told apart"]
    assert data["finding"][0].endswith("nothing here is told apart.")


@pytest.mark.parametrize(("grey", "falls"), [(0.9, True), (0.7, False)])
def test_a_first_place_falls_where_a_new_control_reaches_its_score(
    make: Any, grey: float, falls: bool
) -> None:
    def scored(name: str, value: float, run_id: str) -> Row:
        made = {"metric": "road", "subset": "correct", "value": value, "n": 60}
        library, _, method = name.rpartition(".")
        row = make.row("contrast", "pytorch", library=library, method=method, **made)
        return {**row, "run_id": run_id}

    names = (("captum.saliency", 0.8), ("saliency", 0.8), ("cam", 0.5), (CONTROL, 0.1))
    before = (
        {**make.head, "run_id": FIRST},
        make.described([scored(name, value, FIRST) for name, value in names]),
    )
    about, rows = judged(make, SECOND, True)
    for row in [row for row in rows if row.get("explainer") == CONTROL]:
        value = grey if row["stage"] == "judge" else row.get("value")
        rows.append({**row, "explainer": "control.grey", "method": row["method"] and "grey",
                     "value": value})  # fmt: skip
    data = fallen(make, [before, (about, rows)]).data
    found = data[data["kind"] == "control"] if len(data) else data
    assert len(found) == falls
    if falls:
        assert found.iloc[0]["finding"] == "saliency is first by road with 0.800"
        why = "control.grey, which it did not have, has 0.900 (60 images)"
        assert (found.iloc[0]["why"], found.iloc[0]["before"]) == (why, FIRST)
