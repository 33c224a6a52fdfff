"""The colour maps of matplotlib and OpenCV, by their 256 colours.

A map and its reverse have the same colours, as often have a map and itself with blue first: which
it was no picture tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.float64]
NAMES = (
    "jet", "viridis", "inferno", "magma", "plasma", "hot", "turbo", "gray", "bone", "coolwarm",
    "bwr", "seismic", "RdBu", "rainbow", "cividis", "afmhot", "Reds", "Blues", "Greens",
)  # fmt: skip
"""Matplotlib's colour maps that heatmaps are shown in most; all others come after them."""
NEAR = 2.01 / 255
"""How far a colour may be from its map: roundings, and what is cut off of whole numbers."""
WIDE = 10
"""Levels that one colour may stand for; of more it is no map that can be read back."""


class Palette(NamedTuple):
    """256 colours (256, 3) in [0, 1], red first; `turned` names maps with the same, turned over.

    `scaled` says whether a library divides its overlays by their brightest value, `wide` whether
    one colour stands for levels far apart, as where a map ends in the colour that it begins with.
    """

    colours: Colours
    turned: str
    scaled: bool
    wide: bool


@cache
def palettes() -> dict[str, Palette]:
    """All colour maps of matplotlib and OpenCV by name, then those that blue first makes anew."""
    found: dict[str, Palette] = {}
    first = list(_tables())
    for name, table in first:
        scaled = name.startswith("OpenCV's") or name == "jet"
        _put(found, name, table, f"{name}_r" if not name.startswith("OpenCV's") else "", scaled)
    for name, table in first:
        if not grey(table):
            _put(found, f"{name} (blue first)", table[:, ::-1], "", False)
    return found


def _put(found: dict[str, Palette], name: str, table: Colours, turned: str, scaled: bool) -> None:
    """Add a map, unless one has its colours already; of one turned over its name is noted."""
    for known, other in found.items():
        if np.abs(table - other.colours).max() <= NEAR / 2:
            found[known] = other._replace(scaled=other.scaled or scaled)
            return
        if np.abs(table[::-1] - other.colours).max() <= NEAR:
            if name not in other.turned.split(" or "):
                also = " or ".join(filter(None, (other.turned, name)))
                found[known] = other._replace(turned=also)
            return
    found[name] = Palette(table, turned, scaled, spread(table, table, NEAR) > WIDE)


def _tables() -> Iterator[tuple[str, Colours]]:
    from matplotlib import colormaps

    rest = [name for name in colormaps if name not in NAMES and not name.endswith("_r")]
    for name in (*NAMES, *rest):
        yield name, np.asarray(colormaps[name](np.linspace(0, 1, 256))[:, :3], float)
    try:
        import cv2
    except ImportError:  # it comes with the libraries that draw by it
        return
    levels = np.arange(256, dtype=np.uint8)[:, None]
    for name in sorted(each for each in dir(cv2) if each.startswith("COLORMAP_")):
        table: Any = cv2.applyColorMap(levels, getattr(cv2, name))
        word = name.removeprefix("COLORMAP_").lower()
        yield f"OpenCV's {word}", table[:, 0, ::-1] / 255


def grey(colours: Colours) -> bool:
    """Whether all of these colours (M, 3) are grey."""
    return bool(np.allclose(colours.std(axis=-1), 0))


@cache
def greys() -> set[str]:
    """The maps of greys."""
    return {name for name, palette in palettes().items() if grey(palette.colours)}


def spread(colours: Colours, table: Colours, within: float) -> int:
    """How far apart levels of one colour are, at the most: as near to it as the nearest, or so."""
    away = np.abs(colours[:, None] - table).max(axis=-1)
    alike = away <= away.min(axis=1, keepdims=True) + within
    first, last = alike.argmax(axis=1), 255 - alike[:, ::-1].argmax(axis=1)
    return int((last - first).max())
