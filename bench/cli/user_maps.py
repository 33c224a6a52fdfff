"""A user's heatmaps, as numbers or as colours, read back through the map that they are of."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.cli import pictures, unpainted, user_files
from implementations.errors import BadInput

BYTE, WORD = 255, 65535
HALF = 2.0**-11
"""How far a value of float16 may be off, of the largest."""


class UserMaps(NamedTuple):
    """Maps (N, H, W) in float64, what is to be said of them, and how far a value may be off.

    `coarse` is of the maps' range, 0 where they are as exact as their numbers. `others` are
    further readings of the same colours: of what, the maps, and how far off these may be.
    """

    maps: NDArray[np.float64]
    told: str = ""
    coarse: float = 0.0
    others: unpainted.Others = ()


def read_maps(path: Path, images: NDArray[Any] | None = None) -> UserMaps:
    """A user's heatmaps of these images (N, H, W, C) in [0, 1]: an array, or one picture.

    One map (H, W) becomes a batch, a channel axis of one is dropped, whole numbers up to 255 or up
    to 65535 are divided by that, and colours are read back through the colour map that they are of,
    on the images or not. Raises BadInput for all else.
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
    if most := _whole(array):
        coarse = 1 / WORD if most == WORD else 0.0
        return UserMaps(maps / most, f"whole numbers: divided by {most}", coarse)
    if array.dtype == np.float16:
        return UserMaps(maps, "float16: no better than to 11 bits", HALF)
    return UserMaps(maps)


def _whole(array: NDArray[Any]) -> int:
    """What whole numbers are divided by, the largest of their kind; 0 for what are others."""
    low, high = array.min(), array.max()
    if low < 0 or high <= 1 or high > WORD or (array != np.round(array)).any():
        return BYTE if array.dtype == np.uint8 else 0
    word = array.dtype == np.uint16 or high > BYTE
    return WORD if word else BYTE


def _array(path: Path) -> NDArray[Any]:
    if path.suffix.lower() in pictures.ENDINGS:
        return pictures.whole(path)
    return np.asarray(user_files.read_array(path, "heatmaps"))


def _of_colours(colours: NDArray[Any], images: NDArray[Any] | None, where: str) -> UserMaps:
    """Maps of colours (N, H, W, 3 or 4). Raises BadInput where no colour map has them."""
    scale = _whole(colours) or 1
    given = colours[..., :3].astype(np.float64) / scale
    if not np.isfinite(given).all():
        raise BadInput(f"{where}: a value is not finite; mend the heatmaps")
    found = unpainted.read_back(given)
    if found is None and images is not None and images.shape[:3] == given.shape[:3]:
        below = np.broadcast_to(np.asarray(images, np.float64), given.shape)
        found = unpainted.unmixed(given, below)
    if found is not None and found.reason:
        told = "give the maps themselves, (N, H, W), before they are coloured"
        raise BadInput(f"{where}: {found.reason}; {told}")
    if found is None:
        raise BadInput(
            f"{where}: an overlay on something else than these images, or colours of no colour map "
            "known here; give the maps themselves, (N, H, W), before they are mixed with the image"
        )
    also = ", or of ".join(name for name, _, _ in found.others)
    told = f"{found.told}{', or of ' * bool(also)}{also}: read back as 8-bit maps"
    return UserMaps(found.levels, told, found.coarse, found.others)
