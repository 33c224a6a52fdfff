"""Every table there is, each on a page of its own, with the file that programs read."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.site import grids
from bench.report.site.material import Material
from bench.report.site.shell import Page

ORDER = 90
PATH = "tables/index.html"
TITLE = "Tables"


def make(material: Material) -> Iterator[Page]:
    """A list of the tables, and a page each."""
    found = [table for table, _ in material.tables.values()]
    groups = [
        ("", [({"name": t.name, "title": t.title}, t.note.split(". ")[0] + ".") for t in found])
    ]
    lead = "All that was measured, in the tables that the other pages are made of."
    yield Page(PATH, TITLE, "methods.html", {"heading": TITLE, "lead": lead, "groups": groups})
    for table in found:
        context = {**grids.context(material, table.name), "csv": f"../../tables/{table.name}.csv"}
        foot = grids.foot(material, table.name)
        yield Page(f"tables/{table.name}.html", table.title, "table.html", context, foot=foot)
