"""The gallery: images with each column's heatmap, the overlay, and the difference to the oracle."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.heatmaps import zero_maps
from bench.report.files import stem
from implementations import weights

REFERENCE = "reference"
ZERO = "no positive\nevidence at\nthis layer"
INCH = 1.1
Maps = NDArray[np.float64]


def draw(path: Path, drawn: Container[str] = ()) -> Iterator[tuple[str, Any]]:
    """`gallery_<data set>_<architecture>_<method>` from a safetensors file, but those `drawn`.

    It holds `<data set>/<architecture>/images` (n, H, W, C) in [0, 1], `.../targets` (n,), and
    `.../<method>/<column>` and `.../<method>/reference` (n, H, W). Raises BadInput
    for a broken file.
    """
    arrays = weights.load(path)
    heads: dict[tuple[str, str, str], dict[str, Maps]] = {}
    for name, array in arrays.items():
        dataset, _, rest = name.partition("/")
        *architecture, method, column = rest.split("/")
        if architecture:
            head = (dataset, "/".join(architecture), method)
            heads.setdefault(head, {})[column] = np.asarray(array, np.float64)
    for (dataset, network, method), maps in sorted(heads.items()):
        if stem("gallery", dataset, network, method) in drawn:
            continue
        fewest = min(len(found) for found in maps.values())
        images = np.asarray(arrays[f"{dataset}/{network}/images"][:fewest], np.float64)
        targets = arrays.get(f"{dataset}/{network}/targets")
        title = f"{method}: {network} on {dataset}"
        yield (
            stem("gallery", dataset, network, method),
            _figure(title, images, targets, {name: found[:fewest] for name, found in maps.items()}),
        )


def magnification(found: Maps, reference: Maps) -> float:
    """The power of ten that makes the largest difference at most the reference's peak.

    1 where they are equal, or where the difference is as large as the reference.
    """
    peak, apart = np.abs(reference).max(initial=0), np.abs(found - reference).max(initial=0)
    if not (peak > 0 and 0 < apart < np.inf):
        return 1.0
    return float(10.0 ** max(math.floor(math.log10(peak / apart)), 0))


def _figure(title: str, images: Maps, targets: NDArray[Any] | None, maps: dict[str, Maps]) -> Any:
    from matplotlib.figure import Figure

    reference = maps.get(REFERENCE)
    columns = sorted(name for name in maps if name != REFERENCE)
    across = 1 + (reference is not None) + len(columns) * (3 if reference is not None else 2)
    size = (across * INCH, len(images) * INCH + 0.7)
    figure = Figure(figsize=size)
    axes = figure.subplots(len(images), across, squeeze=False)
    top = 1 - 0.5 / size[1]
    figure.subplots_adjust(0.3 / size[0], 0.02, 0.995, top, wspace=0.06, hspace=0.06)
    for axis in axes.ravel():
        axis.set_box_aspect(images.shape[1] / images.shape[2])
        axis.set_xticks([])
        axis.set_yticks([])
    shown = _pictures(images)
    for row, picture in enumerate(shown):
        axes[row, 0].imshow(picture, vmin=0, vmax=1)
        if targets is not None:
            axes[row, 0].set_ylabel(f"class {int(targets[row])}", fontsize=6)
    axes[0, 0].set_title("input", fontsize=7)
    at = 1
    if reference is not None:
        _maps(axes[:, at], reference, "oracle")
        at += 1
    for column in columns:
        _maps(axes[:, at], maps[column], column)
        _overlays(axes[:, at + 1], shown, maps[column])
        at += 2
        if reference is not None:
            _differences(axes[:, at], maps[column], reference)
            at += 1
    figure.suptitle(title, fontsize=9, y=1 - 0.1 / size[1], va="top")
    return figure


def _pictures(images: Maps) -> Maps:
    """RGB (n, H, W, 3) of grey or coloured images."""
    return np.clip(np.repeat(images, 3, axis=3) if images.shape[3] == 1 else images[..., :3], 0, 1)


def _maps(axes: NDArray[Any], maps: Maps, title: str) -> None:
    """Each heatmap on its own scale, zero in the middle where it has both signs."""
    axes[0].set_title(title, fontsize=7)
    for axis, heatmap, empty in zip(axes, maps, zero_maps(maps), strict=True):
        if empty:
            _empty(axis)
            continue
        peak = np.abs(heatmap).max()
        signed = heatmap.min() < 0
        axis.imshow(
            heatmap, cmap="RdBu_r" if signed else "jet", vmin=-peak if signed else 0, vmax=peak
        )


def _overlays(axes: NDArray[Any], pictures: Maps, maps: Maps) -> None:
    """The heatmap over the image, the more opaque the stronger the evidence."""
    axes[0].set_title("overlay", fontsize=7)
    empties = zero_maps(maps)
    for axis, picture, heatmap, empty in zip(axes, pictures, maps, empties, strict=True):
        if empty:
            _empty(axis)
            continue
        axis.imshow(picture, vmin=0, vmax=1)
        peak = np.abs(heatmap).max()
        signed = heatmap.min() < 0
        axis.imshow(
            heatmap, cmap="RdBu_r" if signed else "jet", vmin=-peak if signed else 0, vmax=peak,
            alpha=0.65 * np.abs(heatmap) / peak,
        )  # fmt: skip


def _differences(axes: NDArray[Any], maps: Maps, reference: Maps) -> None:
    """The difference to the oracle, magnified by one factor for the column, said in the title."""
    magnified = magnification(maps, reference)
    equal = np.array_equal(maps, reference)
    title = "no difference" if equal else f"difference × {magnified:.0e}".replace("e+0", "e")
    axes[0].set_title(title, fontsize=7)
    peak = float(np.abs(reference).max(initial=0)) or 1.0
    for axis, found, expected in zip(axes, maps, reference, strict=True):
        axis.imshow(magnified * (found - expected), cmap="RdBu_r", vmin=-peak, vmax=peak)


def _empty(axis: Any) -> None:
    axis.set_facecolor("0.8")
    axis.text(0.5, 0.5, ZERO, transform=axis.transAxes, ha="center", va="center", fontsize=5)
