from __future__ import annotations

from dataclasses import fields

from bench.record.cell import Cell
from bench.record.dictionary import readme
from bench.record.schema import COLUMNS, FIELDS


def test_every_column_stands_once_with_its_meaning() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert all(field.group and field.name.isidentifier() and field.meaning for field in FIELDS)


def test_every_toggle_is_a_column() -> None:
    assert {field.name for field in fields(Cell)} <= set(COLUMNS)


def test_the_dictionary_lists_every_column_in_its_group() -> None:
    page = readme()
    for field in FIELDS:
        meaning = field.meaning.replace("|", r"\|")
        line = f"| `{field.name}` | {field.unit} | {meaning} |"
        assert page.count(line) == 1
        assert page.index(f"## {field.group}\n") < page.index(line)
    assert page.count("\n## ") == len({field.group for field in FIELDS})
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in rows} == {4}
