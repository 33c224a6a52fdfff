"""Where a run keeps what lasts no longer than it does: one folder a command, gone when it ends.

A command that is killed leaves its folder; the next one removes it, as nobody holds its lock.
"""

from __future__ import annotations

import atexit
import fcntl
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from implementations.errors import BadInput

PREFIX = "camparison-"
LOCK = "lock"
BEGINNING_S = 60.0
"""Seconds in which a folder without a lock, or its name, may be one that is just being made."""

LOCKING_S = 5.0
"""Seconds in which a folder beside an answer may be one that is just being locked."""


def spaceless() -> Path:
    """A folder for temporary files: compilers are given paths in which a space would be two.

    Raises BadInput where there is none.
    """
    folders = dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"])
    for folder in map(Path, folders):
        if not any(letter.isspace() for letter in str(folder)) and os.access(folder, os.W_OK):
            return folder
    raise BadInput(f"no temporary folder without a space in its path: set TMPDIR ({[*folders]})")


@cache
def folder() -> Path:
    """The folder of this command, which only this user can read; it goes when the process ends."""
    place = spaceless()
    _reclaim([*place.glob(f"{PREFIX}*"), *place.glob(f".{PREFIX}*")])
    # Under another name until it is locked: a command that looks just then would remove it.
    young = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=place))
    _hold(young)  # until the end of the process
    made = young.rename(place / young.name.removeprefix("."))
    maker = os.getpid()

    def remove() -> None:
        if os.getpid() == maker:  # not by a fork of it
            shutil.rmtree(made, ignore_errors=True)

    atexit.register(remove)
    return made


@contextmanager
def temporary() -> Iterator[None]:
    """Meanwhile, what any package puts where temporary files are lies in this command's folder."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder())
    try:
        yield
    finally:
        tempfile.tempdir = before


@cache
def guard() -> None:
    """Have the folder removed when this process ends, also where that is by a kill.

    For those whom others kill as a matter of course, and who may have no successor. A shell that
    waits for the end of a pipe, a child of nobody's, removes it.
    """
    ending, _ = os.pipe()  # whose other end closes with this process
    tries = " ".join(map(str, range(int(BEGINNING_S))))
    waits = f'read _ <&3; for _ in {tries}; do rm -rf "$0" && break; sleep 1; done'
    with subprocess.Popen(
        ["/bin/sh", "-c", f"exec 3<&0; ( {waits} ) &", folder()], stdin=ending,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    ):  # fmt: skip
        os.close(ending)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A folder on the disk of a file that is being made, which goes when that is done or stopped.

    Those that killed commands left of the same file go first.
    """
    name = path.name[:200]
    _reclaim(path.parent.glob(f".{glob.escape(name)}.*.tmp"), LOCKING_S)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{name}.", suffix=".tmp") as made:
        held = _hold(Path(made))
        try:
            yield Path(made)
        finally:
            os.close(held)


def _hold(folder: Path) -> int:
    """Lock a folder until the number that is returned is closed."""
    held = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    return held


def _reclaim(folders: Iterable[Path], beginning_s: float = BEGINNING_S) -> None:
    """Remove the folders of commands that were killed: those of this user whose lock is free."""
    for path in folders:
        try:
            about = path.lstat()
            if path.name.startswith(".") and time.time() - about.st_mtime < beginning_s:
                continue
            if about.st_uid != os.getuid() or path.is_symlink() or not path.is_dir():
                continue
            lock = path / LOCK
            if not lock.exists():
                if time.time() - about.st_mtime > BEGINNING_S and not any(path.iterdir()):
                    path.rmdir()
                continue
            held = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue  # another command removes it
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            pass  # its command is at work
        finally:
            os.close(held)


@cache
def interpreter() -> str:
    """The Python that runs, by a path without a space: PyTorch's compiler does not quote it."""
    if not any(letter.isspace() for letter in sys.prefix):
        return sys.executable
    link = folder() / "python"
    link.symlink_to(sys.prefix)
    return str(link / Path(sys.executable).relative_to(sys.prefix))
