from __future__ import annotations

from pathlib import Path

import pytest

from bench.engine.child import ROOT
from bench.job.readme import ABSENT, fill, update

ROWS = "| a | b |\n| --- | --- |\n| 1 | 2 |\n\nA note."
TABLE = (
    f"# A title\n\nHow to read it.\n\n## digits\n\n{ROWS}\n\n## shapes\n\n| 3 |\n\n---\n\nRun x.\n"
)
TEXT = "Before.\n<!-- table: time -->\nold\n| 9 |\n<!-- end -->\nAfter.\n"
MORE = "[What the columns mean, and all of it](results/tables/time.md)"
FILLED = (
    f"Before.\n<!-- table: time -->\n\n**digits**\n\n{ROWS}\n\n{MORE}\n\n<!-- end -->\nAfter.\n"
)


def test_blocks_are_filled_and_all_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "time.md").write_text(TABLE)
    (tmp_path / "agree-all.md").write_text("# Another\n\n## all\n\n| c |\n\n---\n\nRun x.\n")
    assert fill(TEXT, tmp_path) == FILLED
    assert fill(FILLED, tmp_path) == FILLED
    both = TEXT + "<!-- table: agree-all -->\n<!-- end -->\n"
    more = MORE.replace("time", "agree-all")
    other = f"<!-- table: agree-all -->\n\n**all**\n\n| c |\n\n{more}\n\n<!-- end -->\n"
    assert fill(both, tmp_path) == FILLED + other
    assert fill("No block.", tmp_path) == "No block."
    named = f"<!-- table: time | shapes -->\n\n**shapes**\n\n| 3 |\n\n{MORE}\n\n<!-- end -->\n"
    assert fill("<!-- table: time | shapes -->\n<!-- end -->\n", tmp_path) == named
    there = (tmp_path / "time.md").read_text()
    (tmp_path / "time.md").write_text(there.replace("## shapes", "## shapes, machine 0a1b2c3d"))
    found = fill("<!-- table: time | shapes -->\n<!-- end -->\n", tmp_path)
    assert found == named.replace("**shapes**", "**shapes, machine 0a1b2c3d**")
    both = there.replace("## digits", "## shapes, machine 99999999\n\n| 4 |\n\n## digits")
    (tmp_path / "time.md").write_text(both)
    chosen = "<!-- table: time | shapes, machine 99999999 -->\n<!-- end -->\n"
    assert "| 4 |" in fill(chosen, tmp_path) and "| 3 |" in fill(named, tmp_path)
    (tmp_path / "time.md").write_text(there)
    assert "**shapes**\n\n| 3 |" in fill(chosen, tmp_path)


def test_of_a_section_only_some_rows_are_shown(tmp_path: Path) -> None:
    rows = "".join(f"| cam, batch {batch} | 1{batch} |\n" for batch in (1, 64, 6))
    rows = f"| what | ms |\n| --- | --- |\n{rows.strip()}"
    (tmp_path / "time.md").write_text(
        f"# A title\n\n## digits\n\n{rows}\n\nA note.\n\n---\n\nRun x.\n"
    )
    block = "<!-- table: time | digits | what: batch 6 -->\n<!-- end -->\n"
    found = fill(block, tmp_path)
    assert "| cam, batch 6 | 16 |\n\nA note." in found and "batch 64" not in found.split("-->")[1]
    assert fill(found, tmp_path) == found
    both = block.replace(" -->", " | ms: 16 -->", 1)
    assert "| cam, batch 6 | 16 |\n\nA note." in fill(both, tmp_path)
    assert ABSENT in fill(both.replace("16", "17"), tmp_path)
    for other in ("what: batch 7", "column: batch 6"):
        assert ABSENT in fill(block.replace("what: batch 6", other), tmp_path)


@pytest.mark.parametrize("block", ["time | rings", "agree"])
def test_what_no_run_permits_is_said(block: str, tmp_path: Path) -> None:
    (tmp_path / "time.md").write_text(TABLE)
    found = fill(f"<!-- table: {block} -->\n| 9 |\n<!-- end -->\n", tmp_path)
    assert ABSENT in found and "9" not in found


def test_a_file_is_filled_in_place(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(TEXT)
    (tmp_path / "time.md").write_text(TABLE)
    update(readme, tmp_path)
    assert readme.read_text() == FILLED


def test_our_own_readme_shows_what_was_measured() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("<!-- table: ") >= 4 and ABSENT not in text
