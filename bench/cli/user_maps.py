"""A user's heatmaps, as numbers or as colours, read back through the map that they are of."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.cli import palettes, pictures, user_files
from implementations.errors import BadInput

HALF = 2.0**-11
"""How far a value of float16 may be off, of the largest."""


class UserMaps(NamedTuple):
    """Maps (N, H, W) in float64, what is to be said of them, and how far a value may be off.

    `coarse` is of the maps' range, 0 where they are as exact as their numbers.
    """

    maps: NDArray[np.float64]
    told: str = ""
    coarse: float = 0.0


def read_maps(path: Path, images: NDArray[Any] | None = None) -> UserMaps:
    """A user's heatmaps of these images (N, H, W, C) in [0, 1]: an array, or one picture.

    One map (H, W) becomes a batch, a channel axis of one is dropped, 8-bit maps are divided by 255,
    and colours are read back through the colour map that they are of, on the images or not.
    Raises BadInput for all else.
    """
    array = _array(path)
    if array.ndim == 2:
        array = array[None]
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    elif array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim in (3, 4) and array.shape[-1] in (3, 4) and array.shape[-2] > 4:
        return _of_colours(array if array.ndim == 4 else array[None], images, str(path))
    if array.ndim != 3 or not array.size:
        raise BadInput(f"{path}: heatmaps have shape {array.shape}; they must be (N, H, W)")
    if array.dtype.kind not in "fiub":
        raise BadInput(f"{path}: heatmaps are {array.dtype}; they must be numbers")
    maps = array.astype(np.float64)
    if not np.isfinite(maps).all():
        raise BadInput(f"{path}: a value is not finite; mend the heatmaps")
    if array.dtype == np.uint8:
        return UserMaps(maps / 255)
    if array.dtype == np.float16:
        return UserMaps(maps, "float16: no better than to 11 bits", HALF)
    return UserMaps(maps)


def _array(path: Path) -> NDArray[Any]:
    if path.suffix.lower() in pictures.ENDINGS:
        return pictures.whole(path)
    return np.asarray(user_files.read_array(path, "heatmaps"))


def _of_colours(colours: NDArray[Any], images: NDArray[Any] | None, where: str) -> UserMaps:
    """Maps of colours (N, H, W, 3 or 4). Raises BadInput where no colour map has them."""
    scale = 255 if colours.dtype == np.uint8 else 1
    given = colours[..., :3].astype(np.float64) / scale
    if not np.isfinite(given).all():
        raise BadInput(f"{where}: a value is not finite; mend the heatmaps")
    found = palettes.read_back(given)
    if found is None and images is not None and images.shape[:3] == given.shape[:3]:
        below = np.broadcast_to(np.asarray(images, np.float64), given.shape)
        found = palettes.unmixed(given, below)
    if found is None:
        raise BadInput(
            f"{where}: an overlay on something else than these images, or colours of no colour map "
            "known here; give the maps themselves, (N, H, W), before they are mixed with the image"
        )
    return UserMaps(found.levels, f"{found.told}: read back as 8-bit maps", found.coarse)
