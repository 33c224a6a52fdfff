from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.engine.run import Run
from bench.record.cell import Cell
from bench.record.runs import published, read
from bench.subject import fingerprint
from implementations.errors import BadInput

CELL = Cell(
    stage="agree", framework="jax", method="grad_cam", dataset="digits", architecture="cnn-gap"
)
OTHER = replace(CELL, layer="relu1")
ASKED = {"datasets": "digits"}


def test_a_run_is_appended_to_and_gone_on_with(tmp_path: Path) -> None:
    run = Run("agree", ASKED, tmp_path)
    assert not run.resumed and not run.has(CELL)
    run.add(CELL, 0, [{"status": "ok", "value": 1.0}, {"status": "ok", "value": 2.0}])
    run.add(CELL, 1, [{"status": "failed", "reason": "no"}])
    again = Run("agree", ASKED, tmp_path)
    assert again.resumed and again.run_id == run.run_id and again.rows == run.rows
    assert again.has(CELL) and not again.has(CELL, 1)  # what failed is tried again
    assert not again.has(CELL, 2) and not again.has(OTHER)
    assert [row["value"] for row in again.rows[:2]] == [1.0, 2.0]
    assert again.rows[0]["column"] == "jax" and again.rows[0]["cell_id"] == CELL.cell_id

    assert not Run("agree", {"datasets": "shapes"}, tmp_path).resumed
    assert not Run("time", ASKED, tmp_path).resumed


def test_a_torn_last_line_is_cut_and_the_cell_done_again(tmp_path: Path) -> None:
    run = Run("agree", ASKED, tmp_path)
    run.add(CELL, 0, [{"status": "ok", "value": 1.0}])
    run.add(OTHER, 0, [{"status": "ok", "value": 2.0}] * 3)
    whole = run.rows_path.read_bytes()
    first = whole.index(b"\n") + 1
    for length in (first + 1, len(whole) - 20):
        run.rows_path.write_bytes(whole[:length])
        again = Run("agree", ASKED, tmp_path)
        assert run.rows_path.read_bytes() == whole[:first]
        assert again.has(CELL) and not again.has(OTHER)
        again.add(OTHER, 0, [{"status": "ok", "value": 3.0}])
        values = [row["value"] for row in Run("agree", ASKED, tmp_path).rows]
        assert values == [1.0, 3.0]


def test_what_older_code_measured_is_measured_again_and_not_kept_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run("agree", ASKED, tmp_path)
    run.add(CELL, 0, [{"status": "ok", "value": 1.0}])
    run.add(OTHER, 0, [{"status": "ok", "value": 5.0}])
    fingerprint._code_hash.cache_clear()
    monkeypatch.setattr(fingerprint, "PROTOCOL", {"agree": 2})
    newer = Run("agree", ASKED, tmp_path)
    assert not newer.has(CELL)
    newer.add(CELL, 0, [{"status": "ok", "value": 2.0}])
    assert newer.has(CELL)
    for rows in (newer.rows, Run("agree", ASKED, tmp_path).rows):
        assert sorted(row["value"] for row in rows) == [2.0, 5.0]
    fingerprint._code_hash.cache_clear()


def test_an_unknown_column_is_refused_and_not_written(tmp_path: Path) -> None:
    run = Run("agree", ASKED, tmp_path)
    with pytest.raises(ValueError, match="unknown columns: speed"):
        run.add(CELL, 0, [{"status": "ok", "speed": 1}])
    assert not run.rows and not run.has(CELL) and not run.rows_path.exists()


def test_a_cell_without_rows_is_finished_too(tmp_path: Path) -> None:
    Run("agree", ASKED, tmp_path).add(CELL, 0, [])
    again = Run("agree", ASKED, tmp_path)
    assert again.has(CELL) and again.rows[0]["status"] == "ok"


def test_what_is_not_finite_is_null_in_strict_json(tmp_path: Path) -> None:
    run = Run("agree", ASKED, tmp_path)
    run.add(CELL, 0, [{"value": float("nan"), "kinks": [[1, float("inf"), 0.5]], "median_ms": 2.0}])
    text = run.rows_path.read_text()
    assert "NaN" not in text and "Infinity" not in text
    assert run.rows[0]["value"] is None and run.rows[0]["kinks"] == [[1, None, 0.5]]
    assert run.rows[0]["median_ms"] == 2.0


def test_finish_writes_one_file_with_its_head_first(tmp_path: Path) -> None:
    run = Run("agree", ASKED, tmp_path)
    run.add(CELL, 0, [{"status": "ok", "value": 1.0}], {"node": "relu4", "classes": 10})
    assert run.rows[0]["node"] == "relu4"
    (run.folder / "children.log").write_text("said")
    path = run.finish()
    assert path == tmp_path / "runs" / f"{run.run_id}.jsonl.gz"
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    head = lines[0]["head"]
    assert head["run_id"] == run.run_id and head["asked"] == ASKED
    assert {"machine_id", "cpu", "versions", "git_sha", "python"} <= set(head)
    assert lines[1:] == run.rows
    kept = read(path)
    assert kept[0] == head and [kept] == published(tmp_path)
    assert all(row.items() >= mine.items() for row, mine in zip(kept[1], run.rows, strict=True))
    assert not run.folder.exists()
    assert (tmp_path / "work" / "logs" / f"{run.run_id}.log").read_text() == "said"
    assert not Run("agree", ASKED, tmp_path).resumed


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file")
    with pytest.raises(BadInput, match="cannot write"):
        Run("agree", ASKED, tmp_path)


def test_killed_between_its_file_and_its_tables_a_run_measures_nothing_again(
    tmp_path: Path,
) -> None:
    run = Run("agree", ASKED, tmp_path)
    run.add(CELL, 0, [{"status": "ok", "value": 1.0}])
    path = run.save()
    again = Run("agree", ASKED, tmp_path)  # as the same command finds it after the kill
    assert again.has(CELL) and again.save() == path
    again.end()
    assert list((tmp_path / "runs").iterdir()) == [path] and len(read(path)[1]) == 1
    assert not Run("agree", ASKED, tmp_path).resumed
