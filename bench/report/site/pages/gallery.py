"""The gallery: images down; columns, methods, layers or classes across, overlaid or compared."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report import files
from bench.report.site.material import Material
from bench.report.site.shell import Page

ORDER = 40
PATH = "gallery.html"
TITLE = "Gallery"


def make(material: Material) -> Iterator[Page]:
    """The one page; the pictures of each network are a file that is loaded when it is asked for."""
    # First what has something to show: of a few networks Grad-CAM has no evidence anywhere.
    found = sorted(material.galleries, key=lambda each: each.bare())
    index = [
        {"name": each.name, "title": f"{each.architecture} on {each.dataset}",
         "methods": each.methods}
        for each in found
    ]  # fmt: skip
    foot = (
        files.footer(material.heads, {run for each in found for run in each.runs}) if found else ()
    )
    later = {each.name: each.data for each in found}
    yield Page(
        PATH, TITLE, "gallery.html", {"there": bool(found)}, {"galleries": index},
        ("gallery.js",), foot, later=later,
    )  # fmt: skip
