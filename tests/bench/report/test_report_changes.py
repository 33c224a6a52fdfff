from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from bench.report import changes

FORWARD = {"task": "forward", "method": "", "layer": ""}
COMPILED = {"mode": "compiled"}


def later(make: Any, **changed: Any) -> dict[str, Any]:
    return {**make.head, "run_id": "time-20250102T000000-m1", "git_sha": "fedcba", **changed}


@pytest.fixture(name="earlier")
def earlier_run(make: Any) -> Any:
    rows = make.times("jax", [10.0, 10.1, 10.2], **FORWARD)
    rows += make.times("jax", [20.0, 20.1, 20.2]) + make.times("pytorch", [8.0, 9.0])
    return make.head, rows


def shown(table: Any, title: str) -> pd.DataFrame:
    (section,) = [section for section in table.sections if title in section.title]
    return section.frame


def test_the_same_run_twice_has_no_change(earlier: Any) -> None:
    table = changes.make(earlier, earlier)
    first, summary, *_ = table.note.split("\n\n")
    assert first == "The machine and the versions are the same: milliseconds are comparable."
    assert summary == "3 compared, 0 with a real change."
    (section,) = table.sections
    assert section.title.startswith("digits, cnn-gap, cpu, milliseconds of a call")
    assert set(section.frame["now / earlier"]) == {"×1.00"}
    assert set(section.frame["real"]) == {"no"} and set(section.frame["code"]) == {"same"}
    assert section.notes and section.frame["now ms"].tolist()[-1] == "8.49 (8.00–9.00) ~"


def test_real_changes_come_first_and_say_which_way(make: Any, earlier: Any) -> None:
    rows = make.times("jax", [5.0, 5.1, 5.2], **FORWARD)
    rows += make.times("jax", [50.0, 50.1, 50.2], code_hash="new")
    rows += make.times("pytorch", [8.4, 30.0])
    table = changes.make(earlier, (later(make), rows))
    frame = shown(table, "milliseconds")
    assert frame["what"].tolist()[:2] == ["grad_cam", "forward pass"]
    assert frame["now / earlier"].tolist() == ["×2.49 slower", "×1.98 faster", "×1.87 slower"]
    assert frame["real"].tolist() == ["yes", "yes", "no"]
    assert frame["code"].tolist() == ["changed", "same", "same"]
    assert frame["earlier ms"][0] == "20.1 (20.0–20.2)"
    assert frame["now ms"][0] == "50.1 (50.0–50.2)"
    summary = table.note.split("\n\n")[1]
    assert summary == (
        "3 compared, 2 with a real change: 1 slower, 1 faster; 1 with their code unchanged."
    )
    busy = [{**row, "stable": row["column"] != "jax"} for row in rows]
    told = changes.make(earlier, (later(make), busy)).note
    assert "unchanged; beside 2 other work was seen, or an interval is wide (~)." in told
    data = table.data.set_index(["column", "task"])
    assert data.loc[("jax", "heatmap"), "factor"] == pytest.approx(50.1 / 20.1, rel=1e-4)
    assert data["unit"].tolist() == ["ms"] * 3 and data["real"].tolist() == [True, True, False]


def test_what_the_machine_drifts_is_no_change(make: Any) -> None:
    def run(drift: float, last: float) -> list[dict[str, Any]]:
        factors = [drift] * 11 + [last]
        return [
            row
            for batch, f in enumerate(factors, 1)
            for row in make.times("jax", [9.9 * f, 10.0 * f, 10.1 * f], batch=batch)
        ]

    table = changes.make((make.head, run(1.0, 1.0)), (later(make), run(1.08, 1.08 * 1.5)))
    first, summary, *_ = table.note.split("\n\n")
    assert (
        "unchanged code was together ×1.080 slower (the median of 12), by the machine or" in first
    )
    assert summary.startswith("12 compared, 1 with a real change: 1 slower, 0 faster")
    frame = shown(table, "milliseconds")
    assert frame["batch"][0] == "12"
    assert frame["beyond the drift"][0] == "×1.50 slower"
    assert frame["now / earlier"][0] == "×1.62 slower"
    assert set(frame["beyond the drift"][1:]) == {"×1.00"}
    assert table.data["drift"].tolist() == pytest.approx([1.08] * 12)
    few = changes.make((make.head, run(1.0, 1.0)[:9]), (later(make), run(1.08, 1.0)[:9]))
    assert "3 compared, 3 with a real change" in few.note and "together" not in few.note


@pytest.mark.parametrize("changed", [{"machine_id": "m2"}, {"versions": {"numpy": "2.2.0"}}])
def test_elsewhere_only_ratios_to_the_forward_pass_are_compared(
    make: Any, earlier: Any, changed: dict[str, Any]
) -> None:
    rows = make.times("jax", [1.0, 1.01, 1.02], **FORWARD) + make.times("jax", [4.0, 4.04, 4.08])
    rows += make.times("pytorch", [80.0, 90.0])
    table = changes.make(earlier, (later(make, **changed), rows))
    notes = table.note.split("\n\n")
    assert notes[0].startswith("The machine or the versions differ (")
    assert " → " in notes[0] and "milliseconds are not comparable" in notes[0]
    assert notes[-1] == "Left out: 1 without a forward pass beside it in both runs."
    (section,) = table.sections
    assert "calls over forward passes" in section.title
    assert not [name for name in section.frame.columns if "ms" in name]
    assert section.frame["what"].tolist() == ["grad_cam", "forward pass"]
    assert section.frame["now ratio"][0] == "4.00 (4.00–4.00)"
    assert section.frame["now / earlier"].tolist() == ["×2.01 slower", "×1.00"]
    assert table.data["unit"].tolist() == ["ratio"] * 2


def test_a_single_process_is_said_not_to_tell(make: Any) -> None:
    one, other = make.times("jax", [10.0]), make.times("jax", [99.0])
    table = changes.make((make.head, one), (later(make), other))
    assert shown(table, "milliseconds")["real"].tolist() == ["one process"]
    assert "1 of a single process cannot be told." in table.note


def test_another_status_stands_apart_with_its_reason(make: Any, earlier: Any) -> None:
    wrong = {"status": "wrong", "reason": "max_rel 1", "median_ms": None}
    rows = [*earlier[1][:3], *make.times("jax", [1.0], **wrong)]
    rows += [make.row("time", "pytorch", status="skipped", reason="no compiler")]
    table = changes.make(earlier, (later(make), rows))
    frame = shown(table, "another status").set_index("column")
    assert frame.loc["jax", "earlier"] == "20.1 (20.0–20.2) ms"
    assert frame.loc["jax", "now"] == "wrong (1)"
    assert frame.loc["pytorch", "now"] == "skipped (2)"
    assert shown(table, "milliseconds")["what"].tolist() == ["forward pass"]
    back = changes.make((later(make), rows), earlier)
    assert shown(back, "another status").set_index("column").loc["jax", "now"].endswith(" ms")
    turned = table.data[table.data["status_now"] != "ok"]
    assert sorted(turned["status_now"]) == ["skipped", "wrong"]


def test_new_gone_and_not_asked_for_are_told_apart(make: Any, earlier: Any) -> None:
    rows = [row for row in earlier[1] if row["column"] == "jax" and row["task"] == "forward"]
    rows += make.times("jax", [1.0, 1.0], batch=64)
    rows += [make.row("time", "jax", batch=64, method="cam", status="failed", reason="broke")]
    rows += make.times("jax", [1.0, 1.0], **COMPILED)
    table = changes.make(earlier, (later(make), rows))
    new = shown(table, "in this run only")
    assert new["what"].tolist() == ["cam", "grad_cam"]
    assert new["status"].tolist() == ["failed", "ok"]
    gone = shown(table, "in the earlier run only")
    assert gone["what"].tolist() == ["grad_cam"] and gone["mode"].tolist() == ["eager"]
    left_out = [note for note in table.note.split("\n\n") if note.startswith("Left out")]
    assert [note.split()[2] for note in left_out] == ["1", "1"]  # jax compiled; pytorch
    assert (table.data["status_earlier"] == "").sum() == 2
    assert (table.data["status_now"] == "").sum() == 1


def test_nothing_in_common_is_said_and_no_table_is_empty(make: Any) -> None:
    runs = [(make.head, make.times(column, [1.0])) for column in ("jax", "pytorch")]
    table = changes.make(*runs)
    assert not table.sections and table.data.empty
    assert "0 compared, 0 with a real change." in table.note


def test_places_have_sections_of_their_own(make: Any) -> None:
    rows = make.times("jax", [1.0]) + make.times("jax", [1.0], dataset="shapes")
    table = changes.make((make.head, rows), (make.head, rows))
    assert [section.title for section in table.sections] == [
        f"{dataset}, cnn-gap, cpu, milliseconds of a call, relu4, batch 10, float32"
        for dataset in ("digits", "shapes")
    ]


def test_the_text_begins_with_the_machine_and_ends_with_both_runs(make: Any, earlier: Any) -> None:
    text = changes.compare(earlier, (later(make), earlier[1]))
    heading, _, _, first, *_ = text.splitlines()
    assert heading == ("Changes from compare-20250101T000000-m1 to time-20250102T000000-m1")
    assert first.startswith("The machine and the versions are the same")
    assert "grad_cam      relu4  jax      eager  20.1 (20.0–20.2)" in text
    foot = text[text.index("Runs: ") :]
    assert foot.index("Code: abcdef") < foot.index("time-20250102") < foot.index("Code: fedcba")
