"""Files: opened only where they are plain, written whole or not at all, found by their names."""

from __future__ import annotations

import importlib
import json
import os
import secrets
import stat
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from implementations.errors import BadInput, Unavailable, one_line

MOST_JSON = 1 << 24
"""Bytes of the largest JSON file that is read: 16 MiB, thousands of nodes."""

FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a git-lfs pointer, not the file itself; run `git lfs pull`"),
    (b"PK\x03\x04", "a zip archive, as PyTorch's .pt and NumPy's .npz are; save its arrays anew"),
    (b"\x80\x02", "a pickle, as PyTorch's old .pt is, and is never run; save its arrays anew"),
    (b"\x80\x03", "a pickle, which is never run; save its arrays anew"),
    (b"\x80\x04", "a pickle, which is never run; save its arrays anew"),
    (b"\x80\x05", "a pickle, which is never run; save its arrays anew"),
    (b"\x89HDF", "an HDF5 file, as Keras' .h5 is; save its arrays anew"),
    (b"\x93NUMPY", "one array of NumPy's (.npy)"),
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"\x89PNG", "a PNG picture; save its pixels as an array with numpy.save"),
    (b"\xff\xd8\xff", "a JPEG picture; save its pixels as an array with numpy.save"),
)
"""How files begin that are often given in place of another, and what to do with them."""


def open_plain(path: Path, most_bytes: int, what: str = "file") -> BinaryIO:
    """Open a plain file of at most `most_bytes` for reading.

    `what` names it in messages. Raises BadInput for a file that is missing, unreadable, larger, a
    folder, a pipe or a device, also behind a link. Never waits, whatever the path is.
    """
    try:
        # A pipe would block until somebody writes to it.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise BadInput(f"no {what} {path}; name one that is there") from None
    except (OSError, ValueError) as error:  # ValueError: a null character
        raise BadInput(f"cannot read {path}: {_reason(error)}; name another file") from error
    about = os.fstat(handle)
    wrong = None
    if not stat.S_ISREG(about.st_mode):
        kind = "a folder" if stat.S_ISDIR(about.st_mode) else "a pipe or a device"
        wrong = f"it is {kind}; name a plain file"
    elif about.st_size > most_bytes:
        wrong = f"{about.st_size} bytes, at most {most_bytes} are read; name a smaller file"
    if wrong:
        os.close(handle)
        raise BadInput(f"cannot read {path} as {what}: {wrong}")
    return os.fdopen(handle, "rb")


def read_plain(path: Path, most_bytes: int, what: str = "file") -> bytes:
    """The content of a plain file of at most `most_bytes`. Raises BadInput as `open_plain`."""
    try:
        with open_plain(path, most_bytes, what) as stream:
            return stream.read(most_bytes)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {_reason(error)}; copy the file again") from error


def read_json(path: Path, what: str) -> Any:
    """A JSON file, with or without a byte order mark.

    Raises BadInput for what is not plain, not UTF-8 or not JSON, and for a key that stands twice
    in one object: which of the two is meant, nobody can know.
    """

    def once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ValueError(f"the key {key!r} stands twice; delete one")
            found[key] = value
        return found

    content = read_plain(path, MOST_JSON, what)
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        known = recognise(content[:64])
        reason = f"it is {known}" if known else f"not a readable JSON {what} ({error})"
        raise BadInput(one_line(f"{path}: {reason}")) from error


def recognise(head: bytes) -> str | None:
    """What a file is, by its first bytes, and the mend; None for what is not known."""
    if not head:
        return "an empty file; copy or download it again"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page; download the file itself, not the page about it"
    return next((told for magic, told in FORMATS if head.startswith(magic)), None)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises BadInput where the place cannot be written."""
    with replacing(path) as stream:
        stream.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that is put in the path's place once it is whole. Raises BadInput.

    It has no name until then, so that a kill leaves nothing.
    """
    with writing(path):
        young = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.tmp")
        try:
            with _nameless(young) as stream:
                yield stream
                os.fchmod(stream.fileno(), 0o644)
                stream.flush()
                if not young.exists():
                    # With a folder's number, as Python follows the link only then.
                    of = stream.fileno()
                    os.link(f"/proc/self/fd/{of}", young, src_dir_fd=of)
            young.replace(path)
        finally:
            discard(young)


def _nameless(path: Path) -> BinaryIO:
    """A new file in the path's folder, without a name; where that cannot be, with the path's."""
    with suppress(OSError):
        return os.fdopen(os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o600), "wb")
    return path.open("xb")


def discard(path: Path) -> None:
    """Remove a file where it can be removed: a folder made read-only meanwhile is told already."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raises BadInput where no file can be put at a path, or what is there is no plain file.

    A link counts as none: to replace it would not write what it points to.
    """
    if "\0" in str(path):
        raise BadInput(f"cannot write {path}: no file's name has a null character; name another")
    try:
        mode = path.lstat().st_mode if os.path.lexists(path) else stat.S_IFREG
        if not stat.S_ISREG(mode):
            kinds = {stat.S_IFDIR: "a folder", stat.S_IFLNK: "a link"}
            what = kinds.get(stat.S_IFMT(mode), "a pipe or a device")
            raise BadInput(f"cannot write {path}: it is {what}; name a file")
        yield
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}; name another place") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def importing(module: str, what: str) -> ModuleType:
    """A module by its full name. Raises Unavailable that says where a file is broken."""
    try:
        return importlib.import_module(module)
    except Exception as error:
        lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename]
        path, line = lines[-1].filename, lines[-1].lineno
        if isinstance(error, SyntaxError) and error.filename:
            path, line = error.filename, error.lineno
        told = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise Unavailable(f"{what} does not import: {told} ({path}, line {line})") from error
