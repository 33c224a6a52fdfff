from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.engine.child import ROOT
from bench.job.readme import fill, update
from bench.report.answers import ABSENT, QUESTIONS

BLOCK = "Before.\n<!-- answers -->\nold\n<!-- end -->\nAfter.\n"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
HEAD = (
    "dataset,architecture,device,machine_id,task,library,method,layer,batch,precision,column,"
    "mode,ms_per_image,ms_low,ms_high,processes,stable,stale\n"
)


def line(column: str, ms: float, low: float, high: float, stale: bool = False) -> str:
    return (
        f"digits,cnn-48-32-16,cpu,m1,heatmap,,grad_cam,,64,float32,{column},compiled,"
        f"{ms},{low},{high},5,True,{stale}\n"
    )


def test_answers_come_from_the_numbers_and_say_how_sure_they_are(tmp_path: Path) -> None:
    rows = [line("jax", 0.3, 0.29, 0.31), line("pytorch", 0.2, 0.19, 0.21)]
    (tmp_path / "choose.csv").write_text(HEAD + "".join(rows) + "# Runs: x.\n")
    readme = tmp_path / "README.md"
    readme.write_text(BLOCK)
    update(readme, tmp_path)
    text = readme.read_text()
    assert "| pytorch, compiled: 0.200 ms an image (next jax, 0.300 ms) |" in text
    assert "| 5 processes, machine m1 |" in text
    assert text.count(ABSENT) == len(QUESTIONS) - 1 and "old" not in text
    assert text.startswith("Before.\n") and text.endswith("<!-- end -->\nAfter.\n")
    assert fill(text, tmp_path) == text


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([line("jax", 0.2, 0.1, 0.3), line("pytorch", 0.25, 0.2, 0.3)], "intervals overlap"),
        ([line("jax", 0.2, 0.1, 0.3, stale=True)], "the code has changed since"),
        ([line("jax", 0.2, 0.1, 0.3, stale=True), line("pytorch", 0.9, 0.8, 1.0)], "pytorch"),
    ],
)
def test_doubts_are_said(tmp_path: Path, rows: list[str], words: str) -> None:
    (tmp_path / "choose.csv").write_text(HEAD + "".join(rows))
    assert words in fill(BLOCK, tmp_path)


def test_our_own_readme_is_one_screen_and_its_block_is_current() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 90
    assert text.count("![") == 1 and text.count("<!-- answers -->") == 1
    assert fill(text, ROOT / "results" / "tables") == text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_resolves(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link.partition("#")[0]).exists(), link
