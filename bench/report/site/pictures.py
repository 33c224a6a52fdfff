"""Heatmaps as pictures that a page colours itself: grey sprites, and the oracle's differences."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record.array_file import load
from bench.report.files import stem
from bench.report.gallery import REFERENCE, magnification
from bench.subject.heatmaps import zero_maps
from bench.subject.pages import class_names

LARGEST = 112
"""Pixels along a side, at the most: larger maps are shown smaller."""
Maps = NDArray[np.float64]


@dataclass(frozen=True)
class Gallery:
    """The pictures of a network: its file's stem, what it is of, and its data for the page."""

    name: str
    dataset: str
    architecture: str
    methods: tuple[str, ...]
    run_id: str
    data: dict[str, Any]


def galleries(paths: Sequence[Path]) -> Iterator[Gallery]:
    """The pictures of every network, of the newest of these files (oldest first) that shows it."""
    found: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for path in paths:
        arrays = load(path)
        for name in arrays:
            dataset, *middle, last = name.split("/")
            if last == "images" and middle:
                found[dataset, "/".join(middle)] = path.stem, arrays
    for (dataset, architecture), (run, arrays) in sorted(found.items()):
        head = f"{dataset}/{architecture}/"
        maps: dict[str, dict[str, Maps]] = {}
        for name, array in arrays.items():
            method, _, column = name.removeprefix(head).rpartition("/")
            if name.startswith(head) and method:
                maps.setdefault(method, {})[column] = np.asarray(array, np.float64)
        images = np.asarray(arrays[f"{head}images"], np.float64)
        targets = arrays.get(f"{head}targets", np.zeros(0))
        named = class_names(dataset)
        data = {
            "dataset": dataset, "architecture": architecture, "run_id": run,
            "targets": [_class(int(target), named) for target in targets],
            "images": _image(_small(images)), "n": len(images),
            "height": _small(images).shape[1], "width": _small(images).shape[2],
            "methods": {method: _columns(mine) for method, mine in sorted(maps.items())},
        }  # fmt: skip
        name = stem("gallery", dataset, architecture)
        yield Gallery(name, dataset, architecture, tuple(sorted(maps)), run, data)


def _class(target: int, named: Sequence[str]) -> str:
    return named[target] if target < len(named) else f"class {target}"


def _columns(maps: dict[str, Maps]) -> dict[str, Any]:
    """By column: a sprite of its maps, each on its own scale, and one of their differences."""
    reference = maps.get(REFERENCE)
    found = {}
    for column in sorted(maps, key=lambda name: (name != REFERENCE, name)):
        mine = maps[column]
        empty = zero_maps(mine)
        peaks = np.abs(mine).max(axis=(1, 2), keepdims=True)
        signed = bool((mine < 0).any())
        told: dict[str, Any] = {
            "maps": _sprite(mine / np.where(peaks > 0, peaks, 1)), "signed": signed,
            "empty": np.flatnonzero(empty).tolist(),
        }  # fmt: skip
        if reference is not None and column != REFERENCE and reference.shape == mine.shape:
            apart, larger = mine - reference, magnification(mine, reference)
            peak = float(np.abs(reference).max(initial=0)) or 1.0
            told["equal"] = bool((apart == 0).all())
            told["worst"] = float(np.abs(apart).max(initial=0)) / peak
            told["times"] = larger
            told["apart"] = "" if told["equal"] else _sprite(apart * larger / peak)
        found[column] = told
    return found


def _small(maps: Maps) -> Maps:
    """Every so many pixels, where there are more than are shown."""
    step = -(-max(maps.shape[1:3]) // LARGEST)
    return maps[:, ::step, ::step]


def _sprite(maps: Maps) -> str:
    """Maps in [-1, 1] one beneath the other, in grey: 128 is 0."""
    grey = np.rint(128 + 127 * np.clip(np.nan_to_num(_small(maps)), -1, 1)).astype(np.uint8)
    return _png(grey.reshape(-1, grey.shape[2]))


def _image(images: Maps) -> str:
    bytes_ = np.rint(255 * np.clip(images, 0, 1)).astype(np.uint8)
    flat = bytes_.reshape(-1, *bytes_.shape[2:])
    return _png(flat[..., 0] if flat.shape[2] == 1 else flat[..., :3])


def _png(pixels: NDArray[np.uint8]) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
