"""What is opened of the files that a user names, and what is said of the others."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from implementations.errors import BadInput, Unavailable, one_line
from implementations.files import (
    FORMATS,
    importing,
    open_plain,
    read_json,
    read_plain,
    recognise,
    write_bytes,
)


def test_a_plain_file_is_read_also_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        assert read_plain(tmp_path / name, 7) == b"content"
        with open_plain(tmp_path / name, 7) as stream:
            assert stream.read() == b"content"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("absent", "no picture .*; name one that is there"),
        ("folder", "it is a folder; name a plain file"),
        ("pipe", "it is a pipe or a device; name a plain file"),
        ("to_pipe", "it is a pipe or a device; name a plain file"),
        ("to_zero", "it is a pipe or a device; name a plain file"),
        ("itself", "levels of symbolic links; name another file"),
        ("large", "8 bytes, at most 7 are read; name a smaller file"),
        ("sparse", "at most 7 are read"),
        ("n" * 300, "name too long; name another file"),
        ("null\0", "null"),
        ("large/below", "Not a directory"),
    ],
)
def test_what_is_not_plain_is_refused_at_once(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to_pipe").symlink_to("pipe")
    (tmp_path / "to_zero").symlink_to("/dev/zero")  # read only, and endless
    (tmp_path / "itself").symlink_to("itself")
    (tmp_path / "large").write_bytes(bytes(8))
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", 1 << 40)
    with pytest.raises(BadInput, match=f"(?i){words}"):
        read_plain(tmp_path / name, 7, "picture")


def test_json_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf" + b'{"a": [1, {"b": 2}]}')
    assert read_json(path, "architecture") == {"a": [1, {"b": 2}]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' stands twice; delete one"),
        (b"{", "not a readable JSON architecture"),
        (b"", "an empty file"),
        (b"\xff\xfe{", "not a readable JSON"),
        (b"[" * 100_000, "not a readable JSON"),
        (b"9" * 10_000, "not a readable JSON"),
        (b"<html>", "a web page"),
        (bytes((1 << 24) + 1), "at most 16777216 are read"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_json_that_is_none(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(BadInput, match=re.escape(words)) as caught:
        read_json(tmp_path / "a.json", "architecture")
    assert "a.json" in str(caught.value) and len(str(caught.value).splitlines()) == 1


@given(st.text())
def test_one_line_is_one_line_and_changes_nothing_else(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line.splitlines()) <= 1
    if text.isprintable():
        assert line == text


def test_control_characters_are_escaped() -> None:
    assert one_line("a\n\x1b[31m\x85\u2028é") == "a\\n\\x1b[31m\\x85\\u2028é"


def test_every_known_beginning_is_recognised() -> None:
    for magic, told in FORMATS:
        assert recognise(magic + b"more") == told
    assert recognise(b"{}") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\nimport nothing_of_the_kind\n", "No module named 'nothing_of_the_kind'"),
        ("x = 1\ndef (:\n", "SyntaxError"),
        ("x = 1\nx / 0\n", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_broken_file_is_named_with_its_line(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "broken_page.py"
    path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Unavailable) as told:
        importing("broken_page", "the method broken_page")
    said = str(told.value)
    assert said.startswith("the method broken_page does not import: ") and words in said
    assert f"{path}, line 2" in said and "\n" not in said


def test_a_sound_file_is_its_module() -> None:
    assert importing("implementations.errors", "").Unavailable is Unavailable


@pytest.mark.parametrize("named", [False, True], ids=["nameless", "where none may be nameless"])
def test_a_kill_leaves_nothing_of_a_file_that_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    opened, linked, seen = os.open, os.link, []

    def refusing(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError
        return opened(path, flags, mode)

    def looking(*given: Any, **named: Any) -> None:
        seen.append(sorted(path.name for path in tmp_path.iterdir()))
        linked(*given, **named)

    if named:
        monkeypatch.setattr(os, "open", refusing)
    monkeypatch.setattr(os, "link", looking)
    for content in (b"one", b"another"):
        write_bytes(tmp_path / "file", content)
        assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("file", content)]
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644
    assert seen == ([] if named else [[], ["file"]])
