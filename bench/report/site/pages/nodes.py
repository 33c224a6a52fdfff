"""The kinds of node that networks are made of: a page each, as of a method."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.site.material import Material
from bench.report.site.pages.methods import listed, neighbours, rosetta
from bench.report.site.shell import Page
from bench.subject import pages

ORDER = 70
PATH = "nodes/index.html"
TITLE = "Nodes"
LEAD = (
    "An architecture is a graph of nodes. Each kind is one file: what it computes, forward and "
    "backward in NumPy, and what makes it in each framework, with every default written out."
)


def make(material: Material) -> Iterator[Page]:
    """A list of the kinds, and a page each."""
    found = pages.of_nodes()
    yield listed(PATH, "Kinds of node", LEAD, found)
    for page, before, after in neighbours(found):
        yield rosetta(f"nodes/{page.name}.html", TITLE, page, before, after)
