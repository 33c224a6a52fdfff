"""Contrast: what each explainer costs and is worth, and how alike any two are."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report import sanity
from bench.report.charts import contrast
from bench.report.site import grids
from bench.report.site.contrasted import frames
from bench.report.site.material import Material
from bench.report.site.pictures import png
from bench.report.site.shell import Page, coded

ORDER = 30
PATH = "contrast.html"
TITLE = "Contrast"
TABLES = ("findings", "overturned", "sanity")
FURTHER = ("contrast", "contrast_likeness", "libraries")


def make(material: Material) -> Iterator[Page]:
    """The one page, with every score, likeness and curve as its data."""
    found = frames(material.frame)
    data = {f"contrast_{name}": coded(frame) for name, frame in found.items()}
    table = material.table("contrast")
    context = {
        **grids.context(material, *TABLES), "further": grids.further(material, *FURTHER),
        "there": len(found["scores"]) > 0,
        "sanity": [_picture(each) for each in sanity.kept(material.heatmaps)],
        "charts": contrast.every(), "note": table.note if table else "",
    }  # fmt: skip
    foot = grids.foot(material, *TABLES, *FURTHER)
    yield Page(PATH, TITLE, "contrast.html", context, data, ("chart.js", "contrast.js"), foot)


def _picture(cascade: sanity.Cascade) -> dict[str, str]:
    """The picture of a sanity check, with what it shows in words."""
    where = f"{cascade.architecture} on {cascade.dataset}"
    methods = ", ".join(cascade.maps)
    told = f"Maps of {methods} as weights are drawn anew: {', '.join(cascade.steps)}"
    return {"title": where, "told": told, "source": png(sanity.pixels(cascade)),
            "run": cascade.run}  # fmt: skip
