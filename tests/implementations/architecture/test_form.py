"""docs/architecture.md is what the kinds' pages say."""

from __future__ import annotations

import json
from pathlib import Path

from implementations.architecture import graph
from implementations.architecture.form import page
from implementations.architecture.kinds import KINDS

PAGE = Path(__file__).parents[3] / "docs" / "architecture.md"


def test_the_page_is_up_to_date():
    made = "python -m implementations.architecture.form > docs/architecture.md"
    assert PAGE.read_text(encoding="utf-8") == page(), f"make it anew: {made}"


def test_every_kind_and_setting_stands_there():
    text = page()
    for name, kind in KINDS.items():
        section = text.split(f"\n### {name}\n")[1].split("\n### ")[0]
        assert all(f"| `{setting}` |" in section for setting in kind.settings)


def test_the_example_is_an_architecture():
    example = page().split("```json\n")[1].split("```")[0]
    assert graph.parse(json.loads(example), "example").nodes
