from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bench import report

FOLDER = Path(report.__file__).parent


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.stem)
def test_the_report_reads_rows_and_asks_nobody_what_they_meant(path: Path) -> None:
    strange = {name for name in imported(path) if name.startswith("implementations")}
    assert all(name.startswith("implementations.errors.") for name in strange), strange
