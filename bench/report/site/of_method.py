"""What was measured of a method, for its page: agreement, speed and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from bench.report.forms import marks, number, share, spread, times
from bench.report.site.grids import Grid
from bench.report.site.material import Material
from bench.report.site.pictures import Gallery

PARTS = ["device", "precision", "weights"]


@dataclass(frozen=True)
class Part:
    """A section of a method's page; `pictures` are (what it is of, address of a picture)."""

    id: str
    heading: str
    told: str = ""
    grids: list[Grid] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)
    link: tuple[str, str] = ("", "")


def parts(material: Material, method: str) -> Iterator[Part]:
    """The sections that the rows permit."""
    yield from _agreement(material, method)
    yield from _speed(material, method)
    yield from _pictures(material.galleries, method)


def _agreement(material: Material, method: str) -> Iterator[Part]:
    numbers = material.numbers("agreement")
    if not len(numbers):
        return
    mine = numbers[(numbers["method"] == method) & numbers["library"].isna()]
    mine = mine[mine["max_rel"].notna() & mine["options"].isna() & (mine["score"] == "logit")]
    if not len(mine):
        return
    columns = sorted(mine["column"].unique())
    lines = []
    for key, rows in mine.groupby(PARTS):
        cells = [_agreed(rows[rows["column"] == column]) for column in columns]
        lines.append([(", ".join(f"{name}" for name in key), False), *cells])
    grid = Grid("against the oracle", ["device, precision, weights", *columns], lines, (), ())
    address = "../agreement.html#" + urlencode({"what": method, "column": columns[0]})
    told = "Images within the tolerance, and the worst image's error over the signed map's peak."
    yield Part("agreement", "Agreement", told, [grid], link=(address, "Stage by stage"))


def _agreed(rows: pd.DataFrame) -> tuple[str, bool]:
    if not len(rows):
        return "–", False
    judged = rows[rows["share_within"].notna()]
    within = (judged["share_within"] * judged["images"]).sum() / max(judged["images"].sum(), 1)
    failed = (rows["passed"].astype(str) == "False").any()
    stale = rows["stale"].astype(bool).any()
    told = f"{share(float(within))} " if len(judged) else ""
    return f"{told}({number(float(rows['max_rel'].max()))})" + marks(True, stale), bool(failed)


def _speed(material: Material, method: str) -> Iterator[Part]:
    cells = material.cells
    mine = cells[(cells["method"] == method) & (cells["library"] == "") | (cells["like"] == method)]
    mine = mine[mine["ms_per_image"].notna() & (mine["task"] == "heatmap")]
    if not len(mine):
        return
    runs = mine.groupby(["architecture", "dataset", "batch", "layer", "precision", "run_id"])
    base = material.place
    place, here = max(runs, key=lambda run: _rank(run, base))
    best = here.loc[here.groupby(["library", "what", "column"])["ms_per_image"].idxmin()]
    heads = ["what", "column", "mode", "ms an image", "to the first", "× forward pass", "compile s"]
    first = float(best["ms_per_image"].min())
    lines = [
        [(text, False) for text in (
            line["what"], line["column"], line["mode"],
            spread(line["ms_per_image"], line["low"], line["high"])
            + marks(line["stable"], line["stale"]),
            "" if line["ms_per_image"] == first else times(line["ms_per_image"] / first),
            number(line["forward_ratio"]), number(line["before_s"]),
        )]
        for line in best.sort_values("ms_per_image").to_dict("records")
    ]  # fmt: skip
    network, dataset, batch, layer, precision, run = map(str, place)
    where = ", ".join(filter(None, [f"{network} on {dataset}", f"batch {batch}", layer, precision]))
    told = f"Each column's best mode, and libraries' like it: {where}, in the run {run}."
    asked = {"find": method, "network": f"{network} on {dataset}", "batch": batch}
    link = ("../choose.html#" + urlencode(asked), "Every mode, batch and machine")
    yield Part("speed", "Speed", told, [Grid("speed", heads, lines, (), ())], link=link)


def _rank(run: tuple[Any, pd.DataFrame], base: Any) -> tuple[Any, ...]:
    """The base's place first, then that of the most columns, then the newest."""
    (network, dataset, batch, layer, precision, run_id), rows = run
    wanted = (network, dataset, batch, precision)
    same = wanted == (base.architecture, base.dataset, base.batch, base.precision)
    fresh = not rows["stale"].astype(bool).any()
    return same, layer in ("", base.layer), fresh, rows["column"].nunique(), run_id.split("-")[1:2]


def _pictures(found: list[Gallery], method: str) -> Iterator[Part]:
    mine = [gallery for gallery in found if method in gallery.oracle]
    mine.sort(key=lambda gallery: gallery.bare(method))
    if not mine:
        return
    shown = [(f"{g.architecture} on {g.dataset}", g.strip(method)) for g in mine[:3]]
    address = "../gallery.html#" + urlencode({"network": mine[0].name, "method": method})
    told = "The images, and the oracle's heatmap over each. At the default layer."
    link = (address, "Every column, and its difference")
    yield Part("pictures", "Pictures", told, pictures=shown, link=link)
