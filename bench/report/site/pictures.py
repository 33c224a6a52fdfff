"""Heatmaps as pictures that a page colours itself: grey sprites, and the oracle's differences."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.report.files import stem
from bench.report.gallery import magnification
from bench.report.kept_maps import CLASS, LAYER, REFERENCE, gathered
from bench.subject.heatmaps import zero_maps

ONE = ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"]
BOTH = ["053061", "2f79b5", "8ec3de", "dbeaf2", "f7f7f7", "fbdcca", "ee9477", "c33d3e", "67001f"]
"""The colours of maps of one sign (viridis) and of both, as `gallery.js` has them too."""
LARGEST = 112
"""Pixels along a side, at the most: larger maps are shown smaller."""
MANY = 200_000
"""Pixels of a picture above which it is packed."""
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
    images: Maps
    oracle: dict[str, Maps]
    runs: tuple[str, ...]

    def bare(self, method: str = "grad_cam") -> float:
        """The share of the oracle's maps by a method that are empty; 1 where it has none."""
        maps = self.oracle.get(method)
        return 1.0 if maps is None else float(np.mean(zero_maps(maps)))

    def strip(self, method: str) -> str:
        """The images, and the oracle's heatmaps by a method over them: a picture's address."""
        maps = self.oracle[method]
        grey = self.images.shape[3] == 1
        pictures = np.repeat(self.images, 3, axis=3) if grey else self.images[..., :3]
        peaks = np.abs(maps).max(axis=(1, 2), keepdims=True)
        scaled = maps / np.where(peaks > 0, peaks, 1)
        signed = bool((maps < 0).any())
        place = (scaled / 2 + 0.5 if signed else scaled) * (len(ONE) - 1)
        named = BOTH if signed else ONE
        stops = np.array([[int(c[n : n + 2], 16) for n in (0, 2, 4)] for c in named]) / 255
        low = np.clip(np.floor(place).astype(int), 0, len(stops) - 2)
        coloured = stops[low] + (stops[low + 1] - stops[low]) * (place - low)[..., None]
        opaque = 0.6 * np.minimum(1, 0.25 + np.abs(scaled))[..., None]
        mixed = opaque * coloured + (1 - opaque) * pictures
        both = np.stack([pictures, mixed])  # (2, n, h, w, 3): one row above the other
        tiles = np.pad(both, ((0, 0), (0, 0), (0, 1), (0, 1), (0, 0)), constant_values=1.0)
        rows = tiles.transpose(0, 2, 1, 3, 4).reshape(2 * tiles.shape[2], -1, 3)
        return png(np.rint(255 * np.clip(rows, 0, 1)).astype(np.uint8))


def galleries(paths: Sequence[Path]) -> Iterator[Gallery]:
    """The pictures of every network that these files (oldest first) show."""
    for kept in gathered(paths):
        images, maps = _small(kept.images), kept.methods
        data = {
            "dataset": kept.dataset, "architecture": kept.architecture, "run_id": kept.runs[0],
            "targets": [kept.called(int(target)) for target in kept.targets],
            "images": _image(images), "n": len(images),
            "height": images.shape[1], "width": images.shape[2],
            "methods": {method: _columns(mine) for method, mine in maps.items()},
            "layers": {
                method: {layer: _told(mine) for layer, mine in places.items()}
                for method, places in kept.of(LAYER).items()
            },
            "classes": {
                method: [
                    {"names": kept.classes(place), **_told(mine)}
                    for place, mine in places.items()
                ]
                for method, places in kept.of(CLASS).items()
            },
        }  # fmt: skip
        oracle = {m: _small(of[REFERENCE]) for m, of in maps.items() if REFERENCE in of}
        yield Gallery(
            stem("gallery", kept.dataset, kept.architecture), kept.dataset, kept.architecture,
            tuple(maps), kept.runs[0], data, images, oracle, kept.runs,
        )  # fmt: skip


def shown_before(folder: Path, runs: Collection[str]) -> Iterator[Gallery]:
    """The pictures that pages in this folder of data had, of runs that still count.

    They are as the pages had them: the images, and the oracle's maps over their peaks, in 8 bits.
    """
    for path in sorted(folder.glob("gallery_*.js")):
        text = path.read_text(encoding="utf-8")
        data = json.loads(text[text.index("{") : text.rindex("}") + 1])
        if data["run_id"] not in runs:
            continue
        images = _pixels(data["images"]).reshape(data["n"], data["height"], data["width"], -1)
        oracle = {
            method: (_pixels(of[REFERENCE]["maps"], data["n"]) - 128) / 127
            for method, of in data["methods"].items()
            if REFERENCE in of
        }
        yield Gallery(
            path.stem, data["dataset"], data["architecture"], tuple(data["methods"]),
            data["run_id"], data, images / 255, oracle, (data["run_id"],),
        )  # fmt: skip


def _pixels(address: str, number: int = 1) -> Maps:
    """The grey levels (n, h, w) of a picture's address, or its colours (n, h, w, 3)."""
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as picture:
        found = np.asarray(picture.convert("L" if picture.mode == "L" else "RGB"), float)
    return found.reshape(number, -1, *found.shape[1:])


def _told(maps: Maps) -> dict[str, Any]:
    """A sprite of maps, each on its own scale, and which are empty."""
    peaks = np.abs(maps).max(axis=(1, 2), keepdims=True)
    return {
        "maps": _sprite(maps / np.where(peaks > 0, peaks, 1)),
        "signed": bool((maps < 0).any()), "empty": np.flatnonzero(zero_maps(maps)).tolist(),
    }  # fmt: skip


def _columns(maps: dict[str, Maps]) -> dict[str, Any]:
    """By column: a sprite of its maps, each on its own scale, and one of their differences."""
    reference = maps.get(REFERENCE)
    found = {}
    for column in sorted(maps, key=lambda name: (name != REFERENCE, name)):
        mine = maps[column]
        told = _told(mine)
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
    return png(grey.reshape(-1, grey.shape[2]))


def _image(images: Maps) -> str:
    bytes_ = np.rint(255 * np.clip(images, 0, 1)).astype(np.uint8)
    flat = bytes_.reshape(-1, *bytes_.shape[2:])
    return png(flat[..., 0] if flat.shape[2] == 1 else flat[..., :3])


def png(pixels: NDArray[np.uint8]) -> str:
    """Pixels (h, w) or (h, w, 3) as a picture's address; large ones in 256 colours."""
    from PIL import Image

    buffer = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if picture.width * picture.height > MANY:
        picture = picture.quantize(256, dither=Image.Dither.NONE)
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
