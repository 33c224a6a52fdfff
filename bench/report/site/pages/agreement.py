"""Agreement: every method in every column against the oracle, each cell opening to its details."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from bench.report.forms import LABEL, what
from bench.report.site import grids
from bench.report.site.material import Material
from bench.report.site.shell import Page, coded

ORDER = 20
PATH = "agreement.html"
TITLE = "Agreement"
TABLES = ("agreement", "agreement_stages", "agreement_kinks")
REDUCED = "precision"
"""The table of what TF32, bfloat16 and others change."""
WHERE = ("device", "precision", "weights", "column")
CELLS = (
    *WHERE, "what", "network", "layer", "mode", "machine_id", "images", "max_rel", "worst_image",
    "median_rel", "tolerance", "share_within", "pearson_min", "spearman_min", "zero_map_share",
    "not_finite", "first_out", "passed", "stale", "reason",
)  # fmt: skip
STAGES = (
    *WHERE, "what", "machine_id", "compared", "images", "tolerance", "share_within", "max_rel",
    "worst_dataset", "worst_architecture", "worst_layer", "worst_mode", "worst_image", "stale",
)  # fmt: skip
IMAGES = (
    *WHERE, "what", "network", "layer", "mode", "compared", "image", "error", "kink_distance",
    "rounding_bound", "error_followed", "tolerance",
)  # fmt: skip
MOST = 4000
"""Images that rounding or a kink explains, at the most: those of the largest errors."""


def make(material: Material) -> Iterator[Page]:
    """The one page, with every cell, stage and explained image as its data."""
    images = _named(material.numbers("agreement_kinks"), IMAGES)
    if len(images) > MOST:
        images = images.sort_values("error", ascending=False).head(MOST)
    data = {
        "agree_cells": coded(_named(material.numbers("agreement"), CELLS)),
        "agree_stages": coded(_named(material.numbers("agreement_stages"), STAGES)),
        "agree_images": coded(images),
    }
    table = material.table("agreement")
    context = {
        **grids.context(material, REDUCED), "there": table is not None,
        "note": table.note if table else "", "further": grids.further(material, *TABLES),
    }  # fmt: skip
    foot = grids.foot(material, *TABLES, REDUCED)
    yield Page(PATH, TITLE, "agreement.html", context, data, ("agreement.js",), foot)


def _named(numbers: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """The columns of a table's numbers, with what was explained and of which network."""
    if not len(numbers):
        return pd.DataFrame(columns=list(columns))
    texts = numbers.assign(task=numbers.get("task", "heatmap"))[list(LABEL)].astype(object)
    texts = texts.where(texts.notna(), "")
    named = numbers.assign(what=[what(*line) for line in texts.itertuples(index=False, name=None)])
    if "architecture" in numbers:
        named["network"] = numbers["architecture"] + " on " + numbers["dataset"]
    return named.reindex(columns=list(columns))
