"""Contrast: its tables."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.site import grids
from bench.report.site.material import Material
from bench.report.site.shell import Page

ORDER = 30
PATH = "contrast.html"
TITLE = "Contrast"
TABLES = ("contrast", "contrast_likeness", "libraries")


def make(material: Material) -> Iterator[Page]:
    """The one page."""
    foot = grids.foot(material, *TABLES)
    yield Page(PATH, TITLE, "tables.html", grids.context(material, *TABLES), foot=foot)
