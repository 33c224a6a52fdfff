from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.engine import scratch
from bench.engine.child import ROOT
from implementations.errors import BadInput

MAKES = "from bench.engine import scratch; print(scratch.folder(), flush=True); input()"


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has a process' first use of it, and leaves it as it found it."""
    for function in (scratch.folder, scratch.interpreter):
        monkeypatch.setattr(scratch, function.__name__, function.__wrapped__)
    yield


def command(place: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MAKES], cwd=ROOT, env={**os.environ, "TMPDIR": str(place)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def folder_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


def test_what_a_killed_command_left_goes_and_what_one_at_work_has_stays(tmp_path: Path) -> None:
    killed, working = command(tmp_path), command(tmp_path)
    left, kept = folder_of(killed), folder_of(working)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert left.is_dir() and kept.is_dir()
    third = command(tmp_path)
    own = folder_of(third)
    assert not left.exists() and kept.is_dir() and own.is_dir()
    assert own.stat().st_mode & 0o077 == 0
    for process in (working, third):
        process.communicate("\n")
    assert not list(tmp_path.iterdir())  # who ends in peace leaves nothing


def test_a_guarded_folder_goes_with_a_command_that_is_killed(tmp_path: Path) -> None:
    guards = MAKES.replace("input()", "scratch.guard(); print(1, flush=True); input()")
    process = subprocess.Popen(
        [sys.executable, "-c", guards],
        cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    place = folder_of(process)
    assert process.stdout is not None and process.stdout.readline() == "1\n" and place.is_dir()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 20
    while place.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_folder_that_is_just_being_made_is_not_removed(tmp_path: Path) -> None:
    young, old = tmp_path / f"{scratch.PREFIX}young", tmp_path / f"{scratch.PREFIX}old"
    for path in (young, old):
        path.mkdir()
    long_ago = time.time() - 2 * scratch.BEGINNING_S
    os.utime(old, (long_ago, long_ago))
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / scratch.LOCK).mkdir(parents=True)
    (tmp_path / f"{scratch.PREFIX}link").symlink_to(elsewhere)
    scratch._reclaim(tmp_path.glob(f"{scratch.PREFIX}*"))
    assert young.is_dir() and not old.exists() and elsewhere.is_dir()


def test_what_a_killed_command_left_beside_its_answer_goes_with_the_next(tmp_path: Path) -> None:
    out, long_ago = tmp_path / "out[1].st", time.time() - 2 * scratch.BEGINNING_S
    other = tmp_path / ".out[1].st.notes"
    other.mkdir()
    with scratch.beside(out) as working:
        left = tmp_path / f".{out.name}.left.tmp"
        left.mkdir()
        (left / scratch.LOCK).touch()
        for path in (working, left):
            os.utime(path, (long_ago, long_ago))
        with scratch.beside(out) as second:
            assert sorted(tmp_path.iterdir()) == sorted([other, working, second])
    assert list(tmp_path.iterdir()) == [other]


def test_temporary_files_lie_where_no_space_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaced = tmp_path / "with a space"
    spaced.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spaced))
    assert " " not in str(scratch.spaceless())
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(BadInput, match="without a space in its path: set TMPDIR"):
        scratch.spaceless()


def test_a_python_in_a_spaced_folder_is_run_by_a_path_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaced = tmp_path / "with a space"
    spaced.symlink_to(sys.prefix)
    python = spaced / Path(sys.executable).relative_to(sys.prefix)
    monkeypatch.setattr(sys, "prefix", str(spaced))
    monkeypatch.setattr(sys, "executable", str(python))
    found = scratch.interpreter()
    assert " " not in found
    text = "import numpy; print(numpy.__file__)"
    where = subprocess.check_output([found, "-c", text], text=True)
    assert " " not in where.strip() and where.startswith(str(Path(found).parents[1]))
