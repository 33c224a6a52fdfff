"""`explain --picture`: of each image the image itself, its heatmap, and one upon the other."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.subject.heatmaps import normalise
from implementations.architecture.weights import write_bytes
from implementations.errors import BadInput, Unavailable, unknown

MOST = 32
"""Images that are drawn into one picture."""
RESAMPLED = ("bilinear", "nearest", "bicubic")
GAP = 4
"""Pixels between pictures."""


@dataclass(frozen=True)
class Look:
    """How maps are drawn: `opacity` is the share of the map in the overlay, 0 to 1.

    `size` (height, width) is what every picture is resized to; None leaves them as the images are.
    """

    colormap: str = "jet"
    opacity: float = 0.3
    resample: str = "bilinear"
    size: tuple[int, ...] = ()
    normaliser: str = "relu_max"


def check(look: Look, path: Path) -> None:
    """Raises BadInput for an unknown colour map or a file that is no PNG, and Unavailable."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise Unavailable("pictures need the package matplotlib; pip install matplotlib") from error
    if look.colormap not in mpl.colormaps:
        raise BadInput(f"--colormap: {unknown('colour map', look.colormap, list(mpl.colormaps))}")
    if not 0 <= look.opacity <= 1:
        raise BadInput(f"--opacity: {look.opacity:g} is not from 0 to 1")
    if path.suffix.lower() != ".png":
        raise BadInput(f"--picture {path}: name a .png file")


def composed(images: NDArray[Any], maps: NDArray[Any], look: Look) -> NDArray[np.uint8]:
    """Rows of image, map and overlay as pixels (height, width, 3).

    Images (N, H, W, C) in [0, 1], raw maps (N, h, w). The overlay is opacity x map + (1 - opacity)
    x image; published tutorials show 0.3 x heat + 0.5 x image, which is darker and nothing else.
    """
    import matplotlib as mpl

    size = look.size or images.shape[1:3]
    heat = normalise(np.asarray(maps, np.float64), look.normaliser)
    rows = []
    for image, values in zip(images, heat, strict=True):
        plain = np.broadcast_to(image, (*image.shape[:2], 3)) if image.shape[2] != 3 else image
        plain = _resized(np.asarray(plain, np.float32), size, "bilinear")
        resized = _resized(np.asarray(values, np.float32)[..., None], size, look.resample)
        coloured = mpl.colormaps[look.colormap](np.clip(resized[..., 0], 0, 1))[..., :3]
        overlay = look.opacity * coloured + (1 - look.opacity) * plain
        gap = np.ones((size[0], GAP, 3))
        rows.append(np.concatenate([plain, gap, coloured, gap, overlay], axis=1))
    across = np.ones((GAP, rows[0].shape[1], 3))
    tall = [part for row in rows for part in (row, across)][:-1]
    pixels: NDArray[np.uint8] = np.rint(255 * np.clip(np.concatenate(tall), 0, 1)).astype(np.uint8)
    return pixels


def _resized(values: NDArray[np.float32], size: tuple[int, ...], how: str) -> NDArray[np.float32]:
    """Channels (h, w, c) at another size, each by itself."""
    from PIL import Image

    if values.shape[:2] == tuple(size):
        return values
    way = {"bilinear": 2, "nearest": 0, "bicubic": 3}[how]
    parts = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(values[..., n])).resize(
                (size[1], size[0]), Image.Resampling(way)
            )
        )
        for n in range(values.shape[2])
    ]
    return np.stack(parts, axis=-1).astype(np.float32)


def save(path: Path, images: NDArray[Any], maps: NDArray[Any], look: Look) -> None:
    """Write the PNG, whole or not at all. Raises BadInput."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(composed(images[:MOST], maps[:MOST], look)).save(buffer, "PNG")
    write_bytes(path, buffer.getvalue())
