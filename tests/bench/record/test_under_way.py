from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.engine.run import Run
from bench.record import under_way
from bench.record.cell import Cell
from implementations.errors import BadInput

ROOT = Path(__file__).resolve().parents[3]
CELL = Cell(
    stage="agree", framework="jax", method="grad_cam", dataset="digits", architecture="cnn-gap"
)
ASKED = {"datasets": "digits"}


def started(place: Path, cells: int = 3) -> Run:
    run = Run("agree", ASKED, place)
    for number in range(cells):
        run.add(replace(CELL, layer=f"relu{number}"), 0, [{"status": "ok", "value": float(number)}])
    return run


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda line: line[: len(line) // 2], "line 2"),
        (lambda line: b"\0" * len(line), ""),
        (lambda line: b"", ""),
        (lambda line: b"   \t", ""),
        (lambda line: b"\xff\xfe" + line, "line 2"),
        (lambda line: line.replace(b'"cell_id"', b'"cell"'), "no cell_id"),
        (lambda line: line.replace(b'"round"', b'"number"'), "no round"),
        (lambda line: b"null", "line 2: a line is the list"),
        (lambda line: b"[]", "line 2: a line is the list"),
        (lambda line: b"[1]", "an object, not int"),
        (lambda line: b"[" * 100000, "line 2"),
    ],
)
def test_sound_rows_are_kept_and_what_is_left_out_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: object, why: str
) -> None:
    run = started(tmp_path)
    lines = run.rows_path.read_bytes().splitlines()
    lines[1] = damage(lines[1])  # type: ignore[operator]
    run.rows_path.write_bytes(b"\n".join(lines) + b"\n")
    again = Run("agree", ASKED, tmp_path)
    assert [row["value"] for row in again.rows] == [0.0, 2.0] and again.run_id == run.run_id
    told = capsys.readouterr().err
    assert why in told and told.count("\n") == (1 if why else 0), told
    # Mended: the next command has nothing to say, and the cell is done again.
    again.add(replace(CELL, layer="relu1"), 0, [{"status": "ok", "value": 1.0}])
    assert len(Run("agree", ASKED, tmp_path).rows) == 3 and not capsys.readouterr().err


def test_zeros_before_a_line_cost_no_row(tmp_path: Path) -> None:
    run = started(tmp_path)
    run.rows_path.write_bytes(b"\0" * 512 + run.rows_path.read_bytes().rstrip(b"\n"))
    assert Run("agree", ASKED, tmp_path).rows == run.rows


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0", b'{"run_id": "agr', b"\xff", b"[1]", b"{}", b'{"run_id": 3}']
)
def test_a_head_that_cannot_be_read_is_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    run = started(tmp_path)
    (run.folder / "head.json").write_bytes(content)
    again = Run("agree", ASKED, tmp_path)
    told = capsys.readouterr().err
    assert "head.json" in told and told.count("\n") == 1
    assert len(again.rows) == 3 and again.run_id.startswith("agree-")
    assert again.finish().exists()


SECOND = """
import sys
from pathlib import Path
from bench.engine.run import Run
from implementations.errors import BadInput
try:
    Run("agree", {"datasets": "digits"}, Path(sys.argv[1]))
    print("free")
except BadInput as error:
    print(error)
"""


def second(place: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SECOND, str(place)], cwd=ROOT, check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    return done.stdout


def test_the_same_run_is_one_processs_at_a_time(tmp_path: Path) -> None:
    run = started(tmp_path, 1)
    told = second(tmp_path)
    assert f"process {os.getpid()} is at this run already" in told and told.count("\n") == 1
    run.finish()
    assert second(tmp_path) == "free\n"
    assert not run.folder.exists() or not (run.folder / "rows.jsonl").exists()


def test_a_lock_whose_process_was_killed_holds_nothing(tmp_path: Path) -> None:
    code = SECOND + "\nimport os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL
    assert not Run("agree", ASKED, tmp_path).resumed


def test_what_a_kill_left_half_written_goes(tmp_path: Path) -> None:
    run = started(tmp_path, 1)
    mine, others = run.folder / ".head.json.a.tmp", tmp_path / "work" / "networks"
    others.mkdir()
    old, new = others / ".w.safetensors.b.tmp", others / ".w.safetensors.c.tmp"
    for path in (mine, old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    Run("agree", ASKED, tmp_path)
    assert (mine.exists(), old.exists(), new.exists()) == (False, False, True)


def test_runs_that_begin_within_a_second_have_names_of_their_own(tmp_path: Path) -> None:
    runs = [Run("agree", {"seed": str(number)}, tmp_path) for number in range(20)]
    assert len({run.run_id for run in runs}) == 20
    assert len({run.save() for run in runs}) == 20


def test_without_room_a_row_is_whole_or_not_there(tmp_path: Path) -> None:
    run = started(tmp_path, 1)
    before = run.rows_path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
    try:
        with pytest.raises(BadInput, match="the same command goes on from here"):
            run.add(replace(CELL, layer="relu1"), 0, [{"status": "ok", "value": 1.0}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert run.rows_path.read_bytes() == before
    run.add(replace(CELL, layer="relu1"), 0, [{"status": "ok", "value": 1.0}])
    assert [row["value"] for row in Run("agree", ASKED, tmp_path).rows] == [0.0, 1.0]


def test_a_place_where_no_folder_can_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file")
    with pytest.raises(BadInput, match="cannot write"):
        under_way.hold(tmp_path / "work" / "agree-1")


def test_a_row_has_its_columns_in_strict_json(tmp_path: Path) -> None:
    run = started(tmp_path, 1)
    [line] = run.rows_path.read_text().splitlines()
    assert json.loads(line) == under_way.rows(run.rows_path)[0]
