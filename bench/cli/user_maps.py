"""A user's heatmaps, as numbers or as colours, read back through the map that they are of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cli import user_files
from implementations.errors import BadInput

NAMES = (
    "jet", "viridis", "inferno", "magma", "plasma", "hot", "turbo", "gray", "bone", "coolwarm",
    "bwr", "seismic", "RdBu", "RdBu_r", "rainbow", "cividis", "afmhot", "Reds", "Blues", "Greens",
)  # fmt: skip
"""Matplotlib's colour maps that heatmaps are shown in; OpenCV's have the same names."""
NEAR = 2.01 / 255
"""How far a colour may be from its map: OpenCV rounds otherwise than matplotlib."""


def read_maps(path: Path) -> tuple[NDArray[np.float64], str]:
    """A user's heatmaps (N, H, W) in float64, and what is to be said of them.

    One map (H, W) becomes a batch, a last axis of one is dropped, 8-bit maps are divided by 255,
    and colours are read back through the colour map that they are of. Raises BadInput for all else.
    """
    array, told = np.asarray(user_files.read_array(path, "heatmaps")), ""
    if array.ndim == 2:
        array = array[None]
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim in (3, 4) and array.shape[-1] in (3, 4) and array.shape[-2] > 4:
        array, name = inverted(array if array.ndim == 4 else array[None], str(path))
        told = f"the colours are those of {name}: read back as 8-bit maps"
    if array.ndim != 3 or not array.size:
        raise BadInput(f"{path}: heatmaps have shape {array.shape}; they must be (N, H, W)")
    if array.dtype.kind not in "fiub":
        raise BadInput(f"{path}: heatmaps are {array.dtype}; they must be numbers")
    maps = array.astype(np.float64)
    if array.dtype == np.uint8:
        maps /= 255
    if not np.isfinite(maps).all():
        raise BadInput(f"{path}: a value is not finite; mend the heatmaps")
    return maps, told


def inverted(pictures: NDArray[Any], where: str) -> tuple[NDArray[np.float64], str]:
    """Maps (N, H, W) in [0, 1] of colours (N, H, W, 3 or 4), and the colour map's name.

    Raises BadInput where no colour map has them all: an overlay on the image has mixed colours.
    """
    from matplotlib import colormaps

    scale = 255 if pictures.dtype == np.uint8 else 1
    colours = pictures[..., :3].astype(np.float64) / scale
    unlike, each = np.unique(colours.reshape(-1, 3), axis=0, return_inverse=True)
    grey = np.allclose(unlike.std(axis=1), 0)
    for name in ("gray",) if grey else NAMES:
        table = colormaps[name](np.arange(256))[:, :3]
        away = np.abs(unlike[:, None] - table).max(axis=-1)
        if (away.min(axis=1) <= NEAR).all():
            level = away.argmin(axis=1) / 255
            return level[each.reshape(-1)].reshape(colours.shape[:3]), name
    raise BadInput(
        f"{where}: an overlay, or colours of no colour map known here; give the maps themselves, "
        "(N, H, W), before they are mixed with the image"
    )
