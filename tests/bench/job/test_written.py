from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.job import written
from implementations.errors import BadInput


class Place:
    """A results folder, and what was said."""

    def __init__(self, folder: Path) -> None:
        self.results = folder / "results"
        self.results.mkdir()
        self.said: list[str] = []

    def put(self, text: str, *names: str) -> list[str]:
        with written.staging(self.results) as folder:
            staged = {}
            for name in names:
                staged[name] = folder / name.replace("/", "-")
                staged[name].write_text(text)
            placed = written.place(
                staged, self.results, self.said.append, lambda name: name.startswith("tables/")
            )
        assert not list((self.results / "work").iterdir())
        return [path.relative_to(self.results).as_posix() for path in placed]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_own_files_are_replaced_and_removed_when_they_are_not_made_again(place: Place) -> None:
    assert place.put("one", "tables/a.md", "tables/b.md", "README.md") == [
        "tables/a.md", "tables/b.md", "README.md",
    ]  # fmt: skip
    assert place.put("two", "tables/a.md") == ["tables/a.md"]
    assert (place.results / "tables/a.md").read_text() == "two"
    assert not (place.results / "tables/b.md").exists()
    assert (place.results / "README.md").read_text() == "one"
    assert not place.said
    assert sorted(written.read(place.results)) == ["README.md", "tables/a.md"]


def test_a_users_files_are_neither_replaced_nor_removed(place: Place) -> None:
    (place.results / "tables").mkdir()
    for name in ("README.md", "tables/mine.csv", "tables/a.md"):
        (place.results / name).write_text("mine")
    assert place.put("one", "README.md", "tables/a.md", "tables/b.md") == ["tables/b.md"]
    for name in ("README.md", "tables/mine.csv", "tables/a.md"):
        assert (place.results / name).read_text() == "mine"
    assert len(place.said) == 2
    assert all("was not written by this suite; left as it is" in line for line in place.said)


def test_what_was_changed_since_is_left(place: Place) -> None:
    place.put("one", "tables/a.md", "tables/b.md")
    (place.results / "tables/a.md").write_text("mine")
    (place.results / "tables/b.md").write_text("mine")
    assert not place.put("two", "tables/a.md")
    assert "a.md was changed since it was written" in place.said[0]
    assert (place.results / "tables/a.md").read_text() == "mine"
    assert (place.results / "tables/b.md").read_text() == "mine"


@pytest.mark.parametrize("link", ["file", "folder"])
def test_nothing_is_written_or_removed_through_a_link(place: Place, link: str) -> None:
    place.put("one", "tables/a.md", "tables/b.md")
    elsewhere = place.results.parent / "elsewhere"
    (place.results / "tables").rename(elsewhere)
    if link == "folder":
        (place.results / "tables").symlink_to(elsewhere)
    else:
        (place.results / "tables").mkdir()
        for name in ("a.md", "b.md"):
            (place.results / "tables" / name).symlink_to(elsewhere / name)
    assert not place.put("two", "tables/a.md")
    assert [(elsewhere / name).read_text() for name in ("a.md", "b.md")] == ["one", "one"]
    assert "is reached through a link; left as it is" in place.said[0]


def test_a_kill_among_the_moves_leaves_no_file_a_stranger(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put("one", "tables/a.md", "tables/b.md")
    write = written.write_bytes

    def killed(path: Path, content: bytes) -> None:
        if path.name == "b.md":
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(written, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        place.put("two", "tables/a.md", "tables/b.md")
    monkeypatch.undo()
    assert (place.results / "tables/a.md").read_text() == "two"
    assert place.put("three", "tables/a.md", "tables/b.md") == ["tables/a.md", "tables/b.md"]
    assert not place.said


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1}'])
def test_a_list_that_is_none_is_refused(place: Place, text: str) -> None:
    (place.results / written.LIST).write_text(text)
    with pytest.raises(BadInput, match="not the list of what was written; move it away"):
        place.put("one", "tables/a.md")
    # Before anything is drawn: that takes half a minute.
    assert not (place.results / "tables").exists() and not (place.results / "work").exists()


def test_what_a_killed_command_staged_goes_with_the_next(place: Place) -> None:
    left = place.results / "work" / f".{written.STAGED}.abcdefgh.tmp"
    left.mkdir(parents=True)
    (left / "lock").touch()
    os.utime(left, (0, 0))
    place.put("one", "tables/a.md")  # which looks that nothing is left
