"""Training: accuracies, loss curves, where they part, what is taken for what."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.charts import training
from bench.report.site import grids
from bench.report.site.material import Material
from bench.report.site.shell import Page, coded
from bench.report.site.trained import frames

ORDER = 50
PATH = "training.html"
TITLE = "Training"
TABLES = ("training", "training_parting", "training_per_class", "training_likeness")


def make(material: Material) -> Iterator[Page]:
    """The one page, with every curve and matrix as its data."""
    found = frames(material.frame)
    data = {f"train_{name}": coded(frame) for name, frame in found.items()}
    table = material.table("training")
    context = {
        **grids.context(material), "there": len(found["epochs"]) > 0,
        "charts": training.every(), "note": table.note if table else "",
        "further": grids.further(material, *TABLES),
    }  # fmt: skip
    foot = grids.foot(material, *TABLES)
    yield Page(PATH, TITLE, "training.html", context, data, ("chart.js", "training.js"), foot)
