"""Each column in its best mode: milliseconds for an image, a panel for each thing done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report.canvas import Dot, colours, dots, panels
from bench.report.files import stem
from bench.report.tables.choose import Chosen, networks
from bench.report.wording import named

TITLE = "Choosing a framework"
STAGES = ("time",)


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`choose_<data set>_<architecture>_<device>`: what the choosing table shows of a network."""
    machines = frame["machine_id"].nunique()
    for each in networks(frame):
        found = [(named(what, ("batch",)), _dots(each, what)) for what in each.shown]
        found = [(name, mine) for name, mine in found if mine]
        if found:
            parts = list(map(str, each.key.values()))[: 4 if machines > 1 else 3]
            yield stem("choose", *parts), _figure(each.title, found)


def _dots(each: Chosen, what: Any) -> list[Dot]:
    """The columns that have a time, the fastest first."""
    lines = [n for n in each.lines if n.items() >= what.items() and "ms_per_image" in n]
    lines.sort(key=lambda line: line["ms_per_image"])
    return [
        Dot(
            line["column"], line["ms_per_image"], line["ms_low"], line["ms_high"],
            line["stable"] and not line["stale"], line["mode"],
        )
        for line in lines
    ]  # fmt: skip


def _figure(title: str, found: list[tuple[str, list[Dot]]]) -> Any:
    figure, axes = panels(len(found), 4.4, 2.6)
    colour = colours([dot.name for _, mine in found for dot in mine])
    for axis, (name, mine) in zip(axes, found, strict=True):
        dots(axis, mine, colour)
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("ms per image")
    figure.suptitle(f"{TITLE}: {title}, each column in its best mode")
    return figure
