"""Every image above the tolerance: its error and the oracle's distance to the nearest kink."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report.forms import number, text
from bench.report.frame import Row, label
from bench.report.table import Shown, Table, View
from bench.report.tables.agreement import EXPLAINER, NETWORK

STAGES = ("agree",)
MOST = 60
KEPT = ("column", *EXPLAINER[:4], *NETWORK, "weights", "precision", "device", "compared")
NUMBERS = ("error", "kink_distance", "rounding_bound", "error_followed")
NOTE = (
    "An image above the tolerance is excused only where it is within the tolerance of an oracle "
    "that follows the column at exact ties and kinks, and there only; where the oracle is within "
    "1e-6 (relative to the node's largest magnitude) of a kink, a ReLU or max-pool about to "
    "switch; or where the error is no more than rounding may cause: in a sum whose terms cancel "
    "(Higham & Mary 2019), or, farther from a kink, four times what moves the oracle itself when "
    "each pixel and weight is moved by a unit of rounding."
)
SHOWN = tuple(Shown(n, text, (n,)) for n in ("column", "precision", "compared", "images"))


def make(frame: pd.DataFrame) -> Table:
    """A line for each image above the tolerance."""
    rows = frame.loc[frame["stage"] == "agree", [*KEPT, "tolerance", "kinks"]]
    data = pd.DataFrame(line for row in rows.to_dict("records") for line in _lines(row))
    by = ["column", "precision", "compared"]
    counts = data.groupby(by).size().reset_index(name="images") if len(data) else data
    view = View((), SHOWN, title="How many", data=counts, told=lambda _: _told(data))
    return Table("agreement_kinks", "Images above the tolerance", data, [view], NOTE)


def _lines(row: dict[Any, Any]) -> Iterator[Row]:
    for image, *numbers in row["kinks"] or ():
        known = [math.nan if each is None else each for each in numbers]
        found = dict(zip(NUMBERS, (*known, math.nan, math.nan), strict=False))
        kept = {name: row[name] for name in KEPT}
        yield {**kept, "image": int(image), **found, "tolerance": row["tolerance"]}


def _told(data: pd.DataFrame) -> Iterator[str]:
    """Those farthest from a kink, and how many more there are."""
    ranked = data.sort_values("kink_distance", ascending=False, kind="stable")
    for row in ranked.head(MOST).to_dict("records"):
        line = {str(name): value for name, value in row.items()}
        yield (
            f"{line['column']}, {label({**line, 'task': ''})}, {line['architecture']} on "
            f"{line['dataset']} ({line['weights']}), {line['layer']}, {line['mode']}, "
            f"{line['precision']}: {line['compared']} of image {line['image']}, "
            f"error {number(line['error'])}, kink at {number(line['kink_distance'])}, "
            f"rounding up to {number(line['rounding_bound'])}, "
            f"{number(line['error_followed'])} where the oracle follows"
        )
    if len(data) > MOST:
        yield f"and {len(data) - MOST} more, in the CSV"
