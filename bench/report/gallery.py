"""The gallery: images with each column's heatmap, the overlay, and the difference to the oracle."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record.array_file import load
from bench.report.files import stem
from bench.report.kept_maps import REFERENCE, called, plain
from bench.subject import lettering

ZERO = "no positive\nevidence at\nthis layer"
EMPTY = 0.8
"""The grey of a map without any evidence."""
INCH = 1.1
LETTERS, TITLES = 6, 7
"""Points of the letters beside an image, and above a strip."""
Maps = NDArray[np.float64]


def draw(
    path: Path, drawn: Container[str] = (), networks: Container[tuple[str, str]] | None = None
) -> Iterator[tuple[str, Any]]:
    """`gallery_<data set>_<architecture>_<method>` from a safetensors file, but those `drawn`.

    Of these (data set, architecture) `networks`, or of all. The file
    holds `<data set>/<architecture>/images` (n, H, W, C) in [0, 1], `.../targets` (n,), and
    `.../<method>/<column>` and `.../<method>/reference` (n, H, W). Raises BadInput
    for a broken file.
    """
    arrays = load(path)
    heads: dict[tuple[str, str, str], dict[str, Maps]] = {}
    for name, array in arrays.items():
        dataset, _, rest = name.partition("/")
        *architecture, method, column = rest.split("/")
        if architecture and plain(method):
            head = (dataset, "/".join(architecture), method)
            heads.setdefault(head, {})[column] = np.asarray(array, np.float64)
    for (dataset, network, method), maps in sorted(heads.items()):
        asked = networks is None or (dataset, network) in networks
        if not asked or stem("gallery", dataset, network, method) in drawn:
            continue
        fewest = min(len(found) for found in maps.values())
        images = np.asarray(arrays[f"{dataset}/{network}/images"][:fewest], np.float64)
        targets = arrays.get(f"{dataset}/{network}/targets")
        title = f"{method}: {network} on {dataset}"
        named = [] if targets is None else [called(dataset, int(target)) for target in targets]
        few = {name: found[:fewest] for name, found in maps.items()}
        yield stem("gallery", dataset, network, method), _figure(title, images, named[:fewest], few)


def magnification(found: Maps, reference: Maps) -> float:
    """The power of ten that makes the largest difference at most the reference's peak.

    1 where they are equal, or where the difference is as large as the reference.
    """
    peak, apart = np.abs(reference).max(initial=0), np.abs(found - reference).max(initial=0)
    if not (peak > 0 and 0 < apart < np.inf):
        return 1.0
    return float(10.0 ** max(math.floor(math.log10(peak / apart)), 0))


def _figure(title: str, images: Maps, named: list[str], maps: dict[str, Maps]) -> Any:
    """A strip a column, an image a row: one picture an axis, so that drawing stays quick."""
    from matplotlib.figure import Figure

    strips = list(_strips(images, maps))
    tall = len(images) * INCH * images.shape[1] / images.shape[2]
    figure = Figure(figsize=(len(strips) * INCH, tall + 0.7))
    width, height = figure.get_size_inches()
    axes = figure.subplots(1, len(strips), squeeze=False)[0]
    figure.subplots_adjust(0.3 / width, 0.02, 0.995, 1 - 0.5 / height, wspace=0.06)
    step = images.shape[1] + _gap(images)
    middles = np.arange(len(images)) * step + (images.shape[1] - 1) / 2
    for axis, (name, tiles, empty) in zip(axes, strips, strict=True):
        axis.imshow(_stacked(tiles, _gap(images)), interpolation="nearest")
        axis.set_title(name, fontsize=TITLES)
        axis.set(xticks=[], yticks=[], frame_on=False)
        for middle in middles[empty]:
            axis.text((images.shape[2] - 1) / 2, middle, ZERO, ha="center", va="center", fontsize=5)
    if named:
        along = 72 * INCH * images.shape[1] / images.shape[2]
        lines = ["\n".join(lettering.fitted(name, along, LETTERS)) for name in named]
        axes[0].set_yticks(middles, lines, rotation=90, va="center", ma="center", fontsize=LETTERS)
        axes[0].tick_params(length=0, pad=1)
    figure.suptitle(title, fontsize=9, y=1 - 0.1 / height, va="top")
    return figure


def _strips(images: Maps, maps: dict[str, Maps]) -> Iterator[tuple[str, Maps, NDArray[np.bool_]]]:
    """Title, RGB tiles (n, H, W, 3) and which of them are empty, from left to right."""
    pictures, whole = _pictures(images), np.zeros(len(images), bool)
    yield "input", pictures, whole
    reference = maps.get(REFERENCE)
    if reference is not None:
        yield "oracle", *_maps(reference)
    for column in sorted(set(maps) - {REFERENCE}):
        found = maps[column]
        yield column, *_maps(found)
        yield "overlay", *_overlays(pictures, found)
        if reference is not None:
            yield *_differences(found, reference), whole


def _gap(images: Maps) -> int:
    return max(round(0.06 * int(images.shape[1])), 1)


def _stacked(tiles: Maps, gap: int) -> Maps:
    """Tiles one beneath the other, white between."""
    spaced = np.pad(tiles, ((0, 0), (0, gap), (0, 0), (0, 0)), constant_values=1.0)
    joined: Maps = spaced.reshape(-1, *tiles.shape[2:])[:-gap]
    return joined


def _pictures(images: Maps) -> Maps:
    """RGB (n, H, W, 3) of grey or coloured images."""
    return np.clip(np.repeat(images, 3, axis=3) if images.shape[3] == 1 else images[..., :3], 0, 1)


def _maps(maps: Maps) -> tuple[Maps, NDArray[np.bool_]]:
    """Each heatmap on its own scale, zero in the middle where it has both signs; empty ones."""
    empty = np.logical_not(maps.any(axis=(1, 2)))
    tiles = np.stack([_coloured(heatmap, np.abs(heatmap).max()) for heatmap in maps])
    tiles[empty] = EMPTY
    return tiles, empty


def _coloured(heatmap: Maps, peak: float, signed: bool | None = None) -> Maps:
    """RGB (H, W, 3): `jet` from 0 to the peak, or blue over white to red where there are signs."""
    import matplotlib as mpl

    both = heatmap.min() < 0 if signed is None else signed
    scaled = heatmap / (peak or 1.0)
    tile: Maps = mpl.colormaps["RdBu_r" if both else "jet"](scaled / 2 + 0.5 if both else scaled)
    return tile[..., :3]


def _overlays(pictures: Maps, maps: Maps) -> tuple[Maps, NDArray[np.bool_]]:
    """The heatmap over the image, the more opaque the stronger the evidence."""
    tiles, empty = _maps(maps)
    strength = np.abs(maps)
    peaks = strength.max(axis=(1, 2), keepdims=True)
    opaque = 0.65 * (strength / np.where(empty[:, None, None], 1.0, peaks))[..., None]
    mixed = opaque * tiles + (1 - opaque) * pictures
    mixed[empty] = EMPTY
    return mixed, empty


def _differences(maps: Maps, reference: Maps) -> tuple[str, Maps]:
    """The difference to the oracle, magnified by one factor for the column, said in the title."""
    magnified = magnification(maps, reference)
    equal = np.array_equal(maps, reference)
    title = "no difference" if equal else f"difference × {magnified:.0e}".replace("e+0", "e")
    peak = float(np.abs(reference).max(initial=0)) or 1.0
    apart = magnified * (maps - reference)
    return title, np.stack([_coloured(tile, peak, signed=True) for tile in apart])
