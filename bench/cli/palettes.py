"""Colours read back as heatmaps: whose colour map they are of, and what of the image is mixed in.

A picture of a heatmap has one of 256 colours a pixel, so its levels are known to one of 256 at the
best; of an overlay, p = s (o image + (1 - o) colours), the opacity o and the scale s are found too.
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
    "bwr", "seismic", "RdBu", "RdBu_r", "rainbow", "cividis", "afmhot", "Reds", "Blues", "Greens",
)  # fmt: skip
"""Matplotlib's colour maps that heatmaps are shown in."""
OPENCV = ("JET", "HOT", "RAINBOW", "PINK", "OCEAN", "PARULA", "COOL", "HSV", "AUTUMN", "SUMMER")
"""OpenCV's that are not matplotlib's: its jet, say, is another."""
MIRRORED = ("jet", "OpenCV's jet")
"""Colour maps that with blue first are their own, turned over: which it was no picture tells."""
NEAR = 2.01 / 255
"""How far a colour may be from its map: roundings, and what is cut off of whole numbers."""
STEP = 2.1 / 255
"""How far a level may be off: whole numbers are cut off, and neighbours have like colours."""
SHARES = tuple(round(0.05 * step, 2) for step in range(2, 19))
"""How much of the image an overlay may have."""
SOME, FEW = 60, 10
"""Pixels that are looked at before all of them are."""
SCALED = ("OpenCV's jet", "jet")
"""Colour maps of overlays that a library divides by their brightest value."""
LEAST = 0.2
"""What an overlay is divided by, at the least."""


@cache
def palettes() -> dict[str, Colours]:
    """Name -> 256 colours (256, 3) in [0, 1], red first; then the same with blue first."""
    from matplotlib import colormaps

    found = dict(_opencv())
    found |= {name: np.asarray(colormaps[name](np.arange(256))[:, :3], float) for name in NAMES}
    return found | {
        f"{name} (blue first)": table[:, ::-1]
        for name, table in found.items()
        if name not in MIRRORED and not _grey(table)
    }


def _opencv() -> Iterator[tuple[str, Colours]]:
    try:
        import cv2
    except ImportError:  # it comes with the libraries that draw by it
        return
    for name in OPENCV:
        levels = np.arange(256, dtype=np.uint8)[:, None]
        table: Any = cv2.applyColorMap(levels, getattr(cv2, f"COLORMAP_{name}"))
        yield f"OpenCV's {name.lower()}", table[:, 0, ::-1] / 255


def _grey(colours: Colours) -> bool:
    return bool(np.allclose(colours.std(axis=-1), 0))


class Read(NamedTuple):
    """Levels (N, H, W) in [0, 1], how far they may be off, and what the colours are of."""

    levels: Colours
    coarse: float
    told: str


def read_back(pictures: Colours) -> Read | None:
    """The levels of colours (N, H, W, 3) in [0, 1]; None where they are of no colour map."""
    unlike, each = np.unique(pictures.reshape(-1, 3), axis=0, return_inverse=True)
    some = unlike[:: max(len(unlike) // SOME, 1)]
    for name, table in palettes().items():
        if _grey(unlike) == _grey(table) and _levels(some, table, NEAR) is not None:
            levels = _levels(unlike, table, NEAR)
            if levels is not None:
                whole = levels[each.reshape(-1)].reshape(pictures.shape[:3])
                turned = ", or turned over if blue is first" if name in MIRRORED else ""
                return Read(whole, STEP, f"the colours are those of {name}{turned}")
    return None


def _levels(colours: Colours, table: Colours, near: float) -> Colours | None:
    """The level of each colour (M, 3); None where one is not in the table."""
    away = colours[:, None] - table
    level = (away**2).sum(axis=-1).argmin(axis=1)
    fits = np.abs(away).max(axis=-1).min(axis=1) <= near
    return level / 255 if fits.all() else None


def unmixed(pictures: Colours, images: Colours) -> Read | None:
    """The same of overlays on these images, (N, H, W, 3) both.

    The scale is 1; of jet also what makes the brightest value of each picture 1.
    """
    for full in (False, True):
        for name, table in palettes().items():
            if full and not name.startswith(SCALED):
                continue
            for share in SHARES:
                found = []
                for picture, image in zip(pictures, images, strict=True):
                    found.append(_under(picture, image, table, share, full))
                    if found[-1] is None:
                        break
                else:
                    told = f"an overlay of {name} on {share:.0%} of the image"
                    levels = np.stack([each for each in found if each is not None])
                    return Read(levels, STEP / (1 - share), told)
    return None


def _under(
    picture: Colours, image: Colours, table: Colours, share: float, full: bool
) -> Colours | None:
    """The levels (H, W) under a picture (H, W, 3); None where the overlay is another."""
    near = NEAR / (1 - share)
    scales = _scales(picture, image, table, share) if full else np.ones(1)
    flat, below = picture.reshape(-1, 3), image.reshape(-1, 3)
    step = max(len(flat) // FEW, 1)
    colours = (scales[:, None, None] * flat[::step] - share * below[::step]) / (1 - share)
    away = np.abs(colours[:, :, None] - table).max(axis=-1).min(axis=-1)
    for scale in scales[(away <= near).all(axis=1)]:
        levels = _levels((flat * scale - share * below) / (1 - share), table, near)
        if levels is not None:
            return levels.reshape(picture.shape[:2])
    return None


def _scales(picture: Colours, image: Colours, table: Colours, share: float) -> Colours:
    """What an overlay may have been divided by, where its brightest value is 1."""
    row, column, colour = np.unravel_index(picture.argmax(), picture.shape)
    scales = (1 - share) * table[:, colour] + share * image[row, column, colour]
    fit: Colours = np.unique(np.round(scales[scales > LEAST], 4))
    return fit if picture.max() > 1 - NEAR else fit[:0]
