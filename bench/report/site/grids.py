"""Tables on a page: the sections that people see, as templates take them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.report.site.material import Material
from bench.report.table import Section, Strong


@dataclass(frozen=True)
class Grid:
    """A section of a table: headings, and lines of (text, whether it stands out)."""

    title: str
    heads: list[str]
    lines: list[list[tuple[str, bool]]]
    told: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """A table on a page."""

    name: str
    title: str
    note: str
    grids: list[Grid]


def grid(section: Section) -> Grid:
    """A section as a template takes it."""
    lines = section.frame.itertuples(index=False, name=None)
    return Grid(
        section.title,
        [str(name) for name in section.frame.columns],
        [[(str(text), isinstance(text, Strong)) for text in line] for line in lines],
        section.told,
        section.notes,
    )


def tables(material: Material, *names: str) -> Iterator[Shown]:
    """The tables of these names that there are."""
    for name in names:
        if (table := material.table(name)) is not None:
            grids = [grid(section) for section in table.sections]
            yield Shown(table.name, table.title, table.note, grids)


def foot(material: Material, *names: str) -> list[str]:
    """The lines of these tables' footers, each once."""
    lines = (line for name in names if name in material.tables for line in material.tables[name][1])
    return list(dict.fromkeys(lines))


def context(material: Material, *names: str) -> dict[str, Any]:
    """What the template of tables is filled with."""
    return {"tables": list(tables(material, *names)), "further": [], "there": False}


def further(material: Material, *names: str) -> list[tuple[str, str]]:
    """The addresses and titles of the pages of these tables, of those that there are."""
    found = ((name, material.table(name)) for name in names)
    return [(f"tables/{name}.html", table.title) for name, table in found if table is not None]
