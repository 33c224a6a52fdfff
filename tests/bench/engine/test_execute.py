from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.engine import execute
from bench.engine.run import Run
from bench.record.cell import Cell
from bench.subject import names
from bench.subject.request import Request
from implementations.architecture import graph, registered
from implementations.errors import BadInput

CHILDREN = Path(__file__).parents[1] / "children"
CELL = Cell(stage="agree", framework="reference", dataset="digits", architecture="cnn-32-16-8")
CONTEXT = {"word": "hello"}


def cells(*how: str) -> list[Cell]:
    return [replace(CELL, options=(("how", each),)) for each in how]


def _only(line: str) -> dict[str, Any]:
    (row,) = json.loads(line)
    return dict(row)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    return Run("agree", {}, tmp_path)


def test_answered_cells_are_run_once_and_failures_kept_and_tried_again(run: Run) -> None:
    asked = cells("unavailable", "exit", "bad")
    rows = execute.execute(run, "agree", "misbehaving", asked, CONTEXT, rounds=2)
    assert len(rows) == 6 and {row["round"] for row in rows} == {0, 1}
    statuses = sorted(row["status"] for row in rows)
    assert statuses == ["failed"] * 4 + ["skipped"] * 2
    assert {row["status"] for row in execute.disagreements(rows)} == {"failed"}
    assert "about to leave" in (run.folder / "children.log").read_text()
    spent = run.head["seconds"]["agree"]
    assert 0 < spent["outside_children"] < spent["wall"]
    assert 0 < spent["parent_cpu"] < spent["wall"]

    again = Run("agree", {}, run.results)
    written = again.rows_path.read_text().splitlines()
    retried = execute.execute(again, "agree", "misbehaving", asked, CONTEXT, rounds=2)
    # A cell that is run leaves a line: what failed is tried again, what was answered is not.
    since = again.rows_path.read_text().splitlines()[len(written) :]
    tried = [(row["round"], dict(row["options"])["how"]) for row in map(_only, since)]
    assert sorted(tried) == [(number, how) for number in (0, 1) for how in ("bad", "exit")]
    assert sorted(row["status"] for row in retried) == statuses
    more = execute.execute(again, "agree", "misbehaving", cells("broken"), CONTEXT)
    assert [row["reason"] for row in more] == ["ZeroDivisionError: a line"]
    assert len(again.rows) == 7


def test_a_row_that_cannot_be_kept_ends_the_run_and_its_children(run: Run) -> None:
    with pytest.raises(ValueError, match="unknown columns: pid, seen"):
        execute.execute(run, "agree", "misbehaving", cells("fine", "junk"), CONTEXT, isolate=True)
    assert not run.rows


@pytest.mark.parametrize("at_once", [1, 3])
def test_without_room_one_line_ends_the_run_and_what_is_finished_stays(
    run: Run, at_once: int
) -> None:
    done, full = cells("unavailable", "bad"), cells("no room")
    execute.execute(run, "agree", "misbehaving", done, CONTEXT)
    with pytest.raises(BadInput, match=r"No space left on device.*goes on from here") as told:
        execute.execute(run, "agree", "misbehaving", full, CONTEXT, isolate=True, at_once=at_once)
    assert "\n" not in str(told.value)
    again = Run("agree", {}, run.results)
    assert len(again.rows) == 2 and not again.has(full[0])


def test_side_by_side_loses_nothing(run: Run) -> None:
    asked = cells("unavailable", "exit", "bad", "broken", "leave", "crash")
    rows = execute.execute(run, "agree", "misbehaving", asked, CONTEXT, isolate=True, at_once=3)
    assert len(rows) == len(run.rows) == 6
    reasons = {row["options"][0][1]: str(row["reason"]) for row in rows}
    # Each child's last words are its own, though all speak at once.
    assert "about to leave" in reasons["exit"] and "left politely" in reasons["leave"]
    assert "about to leave" not in reasons["crash"]
    assert 1 <= execute.side_by_side() <= 4


def test_what_makes_a_run_the_same_run(tmp_path: Path) -> None:
    ask = Request(datasets=("digits",), architectures=(), columns=(), methods=())
    same = replace(ask, results=tmp_path, timeout_s=3.0, data_dir="elsewhere")
    assert same.identity() == ask.identity()
    changes: list[dict[str, Any]] = [
        {"n_images": 8}, {"rounds": 1}, {"batch": 3}, {"epochs": 1}, {"device": "gpu"},
        {"cold": True},
        {"datasets": ("shapes",)}, {"columns": names.pick_columns(["jax"])}, {"isolate": True},
    ]  # fmt: skip
    for change in changes:
        assert replace(ask, **change).identity() != ask.identity()

    form = graph.document(registered.get("cnn-gap"))
    own = tmp_path / "net.json"
    mine = replace(ask, architectures=(str(own),))
    identities = []
    for padding in ("same", "valid", "same"):
        form["nodes"][0]["padding"] = padding
        own.write_text(json.dumps(form))
        identities.append(mine.identity())
    assert identities[0] == identities[2] != identities[1]


def test_keras_means_each_of_its_backends() -> None:
    labels = [column.label for column in names.pick_columns(["keras", "keras[jax]", "jax"])]
    assert sorted(labels) == ["jax", "keras[jax]", "keras[tensorflow]", "keras[torch]"]
    assert len(names.pick_columns(None)) == 5 and "grad_cam" in names.pick_methods(None)
