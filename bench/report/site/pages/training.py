"""Training: its tables."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.site import grids
from bench.report.site.material import Material
from bench.report.site.shell import Page

ORDER = 50
PATH = "training.html"
TITLE = "Training"
TABLES = ("training", "training_parting", "training_per_class", "training_likeness")


def make(material: Material) -> Iterator[Page]:
    """The one page."""
    foot = grids.foot(material, *TABLES)
    yield Page(PATH, TITLE, "tables.html", grids.context(material, *TABLES), foot=foot)
