from __future__ import annotations

from pathlib import Path

import pytest

from bench.readme import fill, update
from implementations.contract import BadInput

ROWS = "| a | b |\n| --- | --- |\n| 1 | 2 |\n\nA note."
TABLE = (
    f"# A title\n\nHow to read it.\n\n## digits\n\n{ROWS}\n\n## shapes\n\n| 3 |\n\n---\n\nRun x.\n"
)
TEXT = "Before.\n<!-- table: time -->\nold\n| 9 |\n<!-- end -->\nAfter.\n"
FILLED = f"Before.\n<!-- table: time -->\n\n**digits**\n\n{ROWS}\n\n<!-- end -->\nAfter.\n"


def test_blocks_are_filled_and_all_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "time.md").write_text(TABLE)
    (tmp_path / "agree-all.md").write_text("# Another\n\n## all\n\n| c |\n\n---\n\nRun x.\n")
    assert fill(TEXT, tmp_path) == FILLED
    assert fill(FILLED, tmp_path) == FILLED
    both = TEXT + "<!-- table: agree-all -->\n<!-- end -->\n"
    other = "<!-- table: agree-all -->\n\n**all**\n\n| c |\n\n<!-- end -->\n"
    assert fill(both, tmp_path) == FILLED + other
    assert fill("No block.", tmp_path) == "No block."
    named = "<!-- table: time | shapes -->\n\n**shapes**\n\n| 3 |\n\n<!-- end -->\n"
    assert fill("<!-- table: time | shapes -->\n<!-- end -->\n", tmp_path) == named
    with pytest.raises(BadInput, match="no such section"):
        fill("<!-- table: time | rings -->\n<!-- end -->\n", tmp_path)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(TEXT)
    with pytest.raises(BadInput, match=r"time\.md, which is not there"):
        update(readme, tmp_path)
    assert readme.read_text() == TEXT
    (tmp_path / "time.md").write_text(TABLE)
    update(readme, tmp_path)
    assert readme.read_text() == FILLED
