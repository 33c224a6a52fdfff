from __future__ import annotations

from pathlib import Path

import pytest

from bench.readme import fill, update
from implementations.contract import BadInput

TABLE = "# A title\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\nMade from run x.\n"
TEXT = "Before.\n<!-- table: time -->\nold\n| 9 |\n<!-- end -->\nAfter.\n"
FILLED = (
    "Before.\n<!-- table: time -->\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n<!-- end -->\nAfter.\n"
)


def test_blocks_are_filled_and_all_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "time.md").write_text(TABLE)
    (tmp_path / "agree-all.md").write_text("| c |\n")
    assert fill(TEXT, tmp_path) == FILLED
    assert fill(FILLED, tmp_path) == FILLED
    both = TEXT + "<!-- table: agree-all -->\n<!-- end -->\n"
    assert fill(both, tmp_path) == FILLED + "<!-- table: agree-all -->\n\n| c |\n\n<!-- end -->\n"
    assert fill("No block.", tmp_path) == "No block."


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(TEXT)
    with pytest.raises(BadInput, match=r"time\.md, which is not there"):
        update(readme, tmp_path)
    assert readme.read_text() == TEXT
    (tmp_path / "time.md").write_text(TABLE)
    update(readme, tmp_path)
    assert readme.read_text() == FILLED
