"""How a sheet is drawn: a heatmap as colours, and over its image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.subject.heatmaps import normalise, peak
from implementations.errors import BadInput, Unavailable, unknown

RESAMPLED = ("bilinear", "nearest", "bicubic")
SIGNED = "RdBu_r"
"""The colours of maps of both signs: blue below zero, white, red."""
SIGNED_LIMIT = 0.65
"""How much of an image a map of both signs covers at its peak, where nothing is asked."""
Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """How maps are drawn: `opacity` is the share of the map in the overlay, 0 to 1.

    With a `limit` above 0 that share follows the map, up to the limit, as eli5 has it. `image` is
    the image's share; by default what the map leaves. `size` (height, width) is what every picture
    is resized to; empty leaves them as the images are. `normaliser` scales the maps to [0, 1]; by
    default a map is divided by its peak, about a zero in the middle where it has both signs.
    """

    colormap: str = "jet"
    opacity: float = 0.3
    resample: str = "bilinear"
    size: tuple[int, ...] = ()
    normaliser: str = "none"
    limit: float = 0.0
    image: float | None = None


def check(look: Look, path: Path) -> None:
    """Raises BadInput for an unknown colour map or a file that is no PNG, and Unavailable."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise Unavailable("pictures need the package matplotlib; pip install matplotlib") from error
    if look.colormap not in mpl.colormaps:
        raise BadInput(f"--colormap: {unknown('colour map', look.colormap, list(mpl.colormaps))}")
    shares = {"opacity": look.opacity, "opacity-limit": look.limit, "image-share": look.image or 0}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise BadInput(f"--{name}: {share:g} is not from 0 to 1")
    if path.suffix.lower() != ".png":
        raise BadInput(f"--picture {path}: name a .png file")


def plain(image: NDArray[Any], size: tuple[int, ...]) -> Pixels:
    """An image (H, W, C) in [0, 1] as colours (h, w, 3).

    Enlarged to a multiple it keeps its pixels. Of two channels, or more than three, the first is
    shown.
    """
    channels = image if image.shape[2] == 3 else np.repeat(image[..., :1], 3, axis=2)
    whole = all(new % old == 0 for new, old in zip(size, image.shape[:2], strict=True))
    return resized(np.asarray(channels, np.float32), size, "nearest" if whole else "bilinear")


def both_signs(maps: NDArray[Any], look: Look) -> bool:
    """Whether maps are drawn about zero: they have both signs, and no normaliser is asked for."""
    return look.normaliser == "none" and bool((np.asarray(maps) < 0).any())


def scaled(maps: NDArray[Any], look: Look) -> NDArray[np.float64]:
    """Maps (N, h, w) each on its own scale, to [0, 1], or to [-1, 1] where drawn about zero.

    Empty ones stay zero.
    """
    values = np.asarray(maps, np.float64)
    if not both_signs(maps, look):
        how = "relu_max" if look.normaliser == "none" else look.normaliser
        clipped: NDArray[np.float64] = np.clip(normalise(values, how), 0, 1)
        return clipped
    peaks = peak(values)[:, None, None]
    divided: NDArray[np.float64] = values / np.where(peaks > 0, peaks, 1)
    return divided


def tiles(
    values: NDArray[Any], signed: bool, image: Pixels, look: Look
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A scaled map (h, w) as colours at the image's size (H, W, 3), and over the image.

    The overlay is share x map + (1 - share) x image, or + `look.image` x image: published tutorials
    show 0.3 x heat + 0.5 x image, which is darker and nothing else.
    """
    import matplotlib as mpl

    drawn = resized(np.asarray(values, np.float32)[..., None], image.shape[:2], look.resample)
    strength = np.clip(drawn[..., 0], -1 if signed else 0, 1).astype(np.float64)
    place = strength / 2 + 0.5 if signed else strength
    colours = mpl.colormaps[SIGNED if signed else look.colormap](place)[..., :3]
    limit = look.limit or (SIGNED_LIMIT if signed else 0)
    share = np.minimum(abs(strength), limit)[..., None] if limit else np.asarray(look.opacity)
    under = 1 - share if look.image is None else look.image
    return colours, np.clip(share * colours + under * image, 0, 1)


def resized(values: Pixels, size: tuple[int, ...], how: str) -> Pixels:
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
