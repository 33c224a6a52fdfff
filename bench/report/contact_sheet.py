"""A contact sheet a network: of the same images every method, every layer and every class."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.report.files import DPI, stem
from bench.report.kept_maps import CLASS, LAYER, REFERENCE, Kept, gathered
from bench.subject import sheet
from bench.subject.drawn import Look
from bench.subject.heatmaps import zero_maps

IMAGES, TILE, ACROSS = 3, 84, 12
"""How many images, pixels along a tile, and panels in a line."""
TITLE = 0.3
"""Inches above the sheet."""


def sheets(
    paths: Sequence[Path], networks: Container[tuple[str, str]] | None = None
) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """`contact_sheet_<data set>_<architecture>`, its figure, and the runs that it is of."""
    for kept in gathered(paths):
        asked = networks is None or (kept.dataset, kept.architecture) in networks
        if asked and len(lines := _lines(kept)) and sum(map(len, lines)) > 1:
            yield (
                stem("contact_sheet", kept.dataset, kept.architecture),
                _sheet(kept, lines),
                kept.runs,
            )


def _lines(kept: Kept) -> list[list[sheet.Panel]]:
    """Every method, then each method that is shown so at every layer, and of every class."""
    n = len(kept.images)
    every = [
        sheet.Panel(maps, [[name]] * n)
        for name, columns in kept.methods.items()
        for maps in [columns.get(REFERENCE, columns[min(columns)])][:1]
        if len(maps) == n
    ]
    at = [
        [sheet.Panel(maps, [[method, f"at {layer}"]] * n) for layer, maps in places.items()]
        for method, places in kept.of(LAYER).items()
    ]
    of = [
        [
            sheet.Panel(maps, [[method, name] for name in kept.classes(place)])
            for place, maps in places.items()
        ]
        for method, places in kept.of(CLASS).items()
    ]
    return [line for line in (every, *at, *of) if line]


def _sheet(kept: Kept, lines: list[list[sheet.Panel]]) -> Any:
    """The figure of a contact sheet."""
    height, width = kept.images.shape[1:3]
    times = TILE / min(height, width)
    size = (round(times * height), round(times * width))
    look = Look(size=size, resample="nearest" if times >= 1 else "bilinear", limit=0.65)
    chosen = _with_an_empty_one(kept, lines)
    few = [
        [sheet.Panel(p.maps[chosen], [p.says[n] for n in chosen]) for p in line] for line in lines
    ]
    named = [[f"image {n + 1}", kept.called(int(kept.targets[n]))] for n in chosen]
    pixels = sheet.composed(kept.images[chosen], named, few, look, ACROSS)
    title = (
        f"{kept.architecture} on {kept.dataset}: the float64 oracle's maps, each on its own scale"
    )
    return figure_of(pixels, title)


def figure_of(pixels: NDArray[np.uint8], title: str) -> Any:
    """A figure of pixels (height, width, 3), one for one, beneath a title."""
    from matplotlib.figure import Figure

    wide, tall = (side / DPI for side in pixels.shape[1::-1])
    figure = Figure(figsize=(wide, tall + TITLE), dpi=DPI)
    axis = figure.add_axes((0, 0, 1, tall / (tall + TITLE)))
    axis.imshow(pixels, interpolation="nearest", aspect="auto")
    axis.set_axis_off()
    top = 1 - 0.05 / (tall + TITLE)
    figure.suptitle(title, fontsize=9, x=0.01, ha="left", y=top, va="top")
    return figure


def _with_an_empty_one(kept: Kept, lines: list[list[sheet.Panel]]) -> list[int]:
    """The first images, and in the last one's place the first that has an empty map."""
    first = list(range(min(IMAGES, len(kept.images))))
    empty = np.zeros(len(kept.images), bool)
    for panel in lines[0]:
        empty |= zero_maps(panel.maps)
    if empty.any() and not empty[first].any():
        first[-1] = int(np.flatnonzero(empty)[0])
    return first
