from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench import report
from bench.report import repeats

FORWARD = {"task": "forward", "method": "", "layer": ""}
ASKED = {"grid": "default", "rounds": "3"}


def run(make: Any, day: int, rows: list[Any], **head: Any) -> tuple[dict[str, Any], list[Any]]:
    name = f"time-2025010{day}T000000-m1"
    rows = [{**row, "run_id": name} for row in rows]
    return {**make.head, "run_id": name, "asked": ASKED, **head}, rows


def columns(make: Any, jax: float, pytorch: float, forward: float = 1.0) -> list[Any]:
    rows = make.times("jax", [jax] * 3) + make.times("jax", [9 * jax] * 3, mode="compiled")
    return [*rows, *make.times("pytorch", [pytorch] * 3),
            *make.times("jax", [forward] * 3, **FORWARD)]  # fmt: skip


def texts(tables: list[Any]) -> pd.DataFrame:
    (table,) = tables
    (section,) = table.sections
    return section.frame.set_index("what").fillna("")


def test_runs_that_agree(make: Any) -> None:
    runs = [run(make, day, columns(make, ms, 2 * ms)) for day, ms in ((1, 1.0), (2, 1.05))]
    (table,) = repeats.make(runs)
    assert table.sections[0].title.startswith("2 runs of 3 rounds: time-20250101T000000-m1, ")
    shown = texts([table])
    assert shown.loc["milliseconds of a call", ["compared", "alike"]].tolist() == ["4", "4 (100 %)"]
    assert shown.loc["heatmap over forward pass", "compared"] == "2"
    assert shown.loc["column over column", "alike"] == "1 (100 %)"
    assert shown.loc["order of the columns", "alike"] == "1 (100 %)"
    (line,) = table.data[table.data["kind"] == "factor"].to_dict("records")
    assert (line["one"], line["other"], line["called_different"]) == ("jax", "pytorch", 2)
    assert line["value_1"] == line["value_2"] == pytest.approx(0.5)
    call = table.data[
        (table.data["kind"] == "milliseconds") & (table.data["one"] == "pytorch eager")
    ]
    assert call[["value_1", "value_2"]].to_numpy().tolist() == [[2.0, 2.1]]  # of a batch of ten


def test_runs_that_contradict_each_other(make: Any) -> None:
    days = ((1, 1.0, 2.0, 1.0), (2, 2.0, 1.0, 1.0), (3, 1.0, 2.0, 4.0))
    tables = repeats.make([run(make, d, columns(make, *ms)) for d, *ms in days])
    shown = texts(tables)
    assert shown.loc["order of the columns", "alike"] == "0 (0 %)"
    assert shown.loc["column over column", "alike"] == "0 (0 %)"
    assert shown.loc["column over column", "largest"] == "4.00"
    assert shown.loc["of these, called different in every run", "compared"] == "1"
    assert shown.loc["heatmap over forward pass", "largest"] == "8.00"
    calls = "called different in any run: "
    assert shown.loc[f"{calls}so in every run", "alike"] == "0 (0 %)"
    assert shown.loc[f"{calls}in none the other way round", "alike"] == "0 (0 %)"
    widest, *_, last, listed = tables[0].sections[0].notes
    assert listed == repeats.LISTED
    assert widest.endswith("batch 10, float32, jax eager over forward pass: ×1.00, ×2.00, ×0.250")
    assert last.endswith("jax over pytorch: ×0.500, ×2.00, ×0.500")


def test_only_what_was_asked_the_same_of_the_same_code_is_compared(make: Any) -> None:
    rows = columns(make, 1.0, 2.0)
    one = run(make, 1, rows)
    assert repeats.make([one]) == []
    assert repeats.make([one, run(make, 2, rows, asked={"grid": "full", "rounds": "3"})]) == []
    assert repeats.make([one, run(make, 2, rows, machine_id="m2")]) == []
    assert repeats.make([one, run(make, 2, rows, versions={"numpy": "3.0.0"})]) == []
    five = run(make, 2, rows, asked={**ASKED, "rounds": "5"})
    assert len(repeats.make([one, five])) == 1
    newer = [{**row, "code_hash": "new"} if row["column"] == "jax" else row for row in rows]
    shown = texts(repeats.make([one, run(make, 2, newer)]))
    assert shown.loc["milliseconds of a call", "compared"] == "1"
    assert shown.loc["column over column", ["compared", "alike"]].tolist() == ["0", "–"]


def test_the_table_is_written_with_the_runs_it_is_of(make: Any, tmp_path: Path) -> None:
    runs = [run(make, day, columns(make, 1.0, 2.0)) for day in (1, 2)]
    written = report.write(runs, tmp_path)
    (path,) = [path for path in written if path.name == "repeats.md"]
    assert "Runs: time-20250101T000000-m1, time-20250102T000000-m1." in path.read_text()


def test_of_many_rounds_the_first_alone_are_shown_too(make: Any) -> None:
    def rows(early: float) -> list[Any]:
        times = [early] * 3 + [1.0] * 4
        return [*make.times("jax", times), *make.times("pytorch", [2.0] * 7)]

    (table,) = repeats.make([run(make, day, rows(ms)) for day, ms in ((1, 1.0), (2, 1.5))])
    alike = {
        section.title.split(":")[0]: section.frame.set_index("what")["alike"]
        for section in table.sections
    }
    first = "Of the same runs the first {} rounds alone"
    assert list(alike) == ["2 runs of 7 rounds", first.format(5), first.format(3)]
    calls = [shown["milliseconds of a call"] for shown in alike.values()]
    assert calls == ["2 (100 %)", "1 (50 %)", "1 (50 %)"]
    assert len(table.data) == 3  # two times and a factor, of all rounds


def test_columns_that_no_run_tells_apart_are_tied(make: Any) -> None:
    near = ((1, 1.0, 1.02), (2, 1.02, 1.0))
    shown = texts(repeats.make([run(make, d, columns(make, *ms)) for d, *ms in near]))
    assert shown.loc["order of the columns", "alike"] == "0 (0 %)"
    assert shown.loc[repeats.ORDER_OF_TOLD, "alike"] == "1 (100 %)"
    far = (*near, (3, 1.0, 1.5))
    shown = texts(repeats.make([run(make, d, columns(make, *ms)) for d, *ms in far]))
    assert shown.loc[repeats.ORDER_OF_TOLD, "alike"] == "0 (0 %)"


def test_of_runs_of_unlike_length_what_the_shortest_has_is_compared(make: Any) -> None:
    short = run(make, 1, make.times("jax", [1.0] * 3))
    longer = run(make, 2, make.times("jax", [1.0] * 3 + [9.0] * 4), asked={**ASKED, "rounds": "7"})
    (table,) = repeats.make([short, longer])
    (section,) = table.sections
    assert section.title.startswith("2 runs of 3, 7 rounds, of which the first 3 count: time-2025")
    assert section.frame.set_index("what").loc["milliseconds of a call", "alike"] == "1 (100 %)"
