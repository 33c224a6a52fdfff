"""Changes since an earlier run, of files as the store writes them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bench.engine.run import Run
from bench.job.changes import changes, check, earlier
from bench.record.cell import Cell
from bench.record.runs import read
from implementations.errors import BadInput

CELL = Cell(
    stage="time", framework="jax", method="grad_cam", dataset="digits", architecture="cnn-gap",
    batch=8, mode="compiled",
)  # fmt: skip


def finished(folder: Path, medians: list[float], cell: Cell = CELL) -> Path:
    run = Run(cell.stage, {}, folder)
    for number, median in enumerate(medians):
        run.add(cell, number, [{"status": "ok", "median_ms": median, "stable": True}])
    return run.finish()


def test_an_earlier_file_beside_a_run_that_has_just_ended(tmp_path: Path) -> None:
    earlier = finished(tmp_path / "earlier", [10.0, 10.1, 10.2])
    run = Run("time", {}, tmp_path / "now")
    for number, median in enumerate((30.0, 30.1, 30.2)):
        run.add(CELL, number, [{"status": "ok", "median_ms": median, "stable": True}])
    run.finish()
    text = changes(earlier, run.head, run.rows)
    assert "The machine and the versions are the same" in text
    line = "grad_cam  jax     compiled  10.1 (10.0–10.2)  30.1 (30.0–30.2)  ×2.98 slower"
    assert line in text


def test_check_gives_what_the_file_holds(tmp_path: Path) -> None:
    path = finished(tmp_path, [1.0])
    assert check(path) == read(path)


def packed(*lines: Any) -> bytes:
    return gzip.compress("\n".join(map(json.dumps, lines)).encode(), mtime=0)


TORN = packed({"head": {"run_id": "a"}}, {"stage": "time"})


@pytest.mark.parametrize(
    "content",
    [
        None, b"", b"text", TORN[:-9], TORN[:12] + b"\xff\xff" + TORN[14:], packed([1]),
        packed({"head": []}), packed({"head": {}}, {"stage": "time"}),
        packed({"head": {"run_id": "a"}}, 5), packed({"head": {"run_id": "a"}}, {}),
    ],
)  # fmt: skip
def test_what_is_no_run_is_refused_with_the_mend(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "earlier.jsonl.gz"
    if content is not None:
        path.write_bytes(content)
    why = "is not a run's file|has no rows of the time stage"  # odd rows are left out
    with pytest.raises(BadInput, match=rf"earlier\.jsonl\.gz ({why}).*results/runs/"):
        check(path)
    with pytest.raises(BadInput, match="name the file"):
        changes(path, {}, [])


def test_a_folder_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a run's file"):
        check(tmp_path)


def test_a_run_without_times_is_refused(tmp_path: Path) -> None:
    cell = Cell(stage="agree", framework="jax", dataset="digits", architecture="cnn-gap")
    with pytest.raises(BadInput, match=r"no rows of the time stage; name .*results/runs/"):
        check(finished(tmp_path, [1.0], cell))


def test_an_earlier_run_is_found_by_id_or_file(tmp_path: Path) -> None:
    path = finished(tmp_path, [10.0, 10.1, 10.2])
    by_id = earlier(path.name.removesuffix(".jsonl.gz"), tmp_path)
    assert by_id[0]["run_id"] == earlier(str(path), tmp_path)[0]["run_id"]
    with pytest.raises(BadInput, match=r"no run time-0 in .*; name the file of a finished"):
        earlier("time-0", tmp_path)
