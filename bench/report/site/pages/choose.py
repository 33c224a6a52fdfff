"""The page on which people choose: a selection, its table, a sentence, its charts."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.charts import selection
from bench.report.forms import EXPLAINED
from bench.report.site.material import Material
from bench.report.site.shell import Page, coded

ORDER = 10
PATH = "choose.html"
TITLE = "Choose"
PICKS = (
    ("device", "device"), ("machine_id", "machine"), ("network", "network on data set"),
    ("batch", "batch"), ("precision", "precision"), ("layer", "layer"), ("mode", "mode"),
    ("library", "whose code"),
)  # fmt: skip
NOTE = (
    f"{EXPLAINED} Milliseconds of two runs are never divided by each other. Agreement is that of "
    "the very call that was timed, on the worst image: the error over the signed map's peak, and "
    "the tolerance where one is promised. Compile: seconds before the first call of a process that "
    "compiles nothing else; break-even: the calls after which these are won back."
)


def make(material: Material) -> Iterator[Page]:
    """The one page, with a line of data for each cell that was timed."""
    data = coded(material.cells)
    base = material.place
    mine = material.numbers("choose")
    here = mine[mine["architecture"] == base.architecture] if len(mine) else mine
    data["start"] = {
        "machine_id": str(here["machine_id"].iloc[0]) if len(here) else "",
        "device": base.device, "network": f"{base.architecture} on {base.dataset}",
        "batch": str(base.batch), "precision": base.precision, "layer": base.layer or "",
    }  # fmt: skip
    foot = material.tables["choose"][1] if "choose" in material.tables else ()
    context = {"picks": PICKS, "charts": selection.every(), "note": NOTE}
    yield Page(
        PATH, "Choose", "choose.html", context, {"cells": data}, ("chart.js", "choose.js"), foot
    )
