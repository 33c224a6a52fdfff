"""A contact sheet in pixels: each image, its heatmaps, and these over it, all named."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.subject import drawn, lettering
from bench.subject.drawn import Look
from bench.subject.heatmaps import zero_maps
from implementations.architecture.weights import write_bytes
from implementations.errors import BadInput, one_line

MOST_IMAGES, MOST_TILES, MOST_PIXELS = 32, 1200, 1 << 25
"""Images that are drawn, at the most, and tiles and their pixels of the whole sheet."""
GAP, LINE, LETTERS = 6, 14, 11
"""Pixels between tiles, of a line of text, and of its letters."""
SMALLEST = 128
"""Pixels along a tile's shorter side, at the least, where no size is asked: its text is read."""
ACROSS, LONGEST = 10, 500
"""Panels of a line; letters of a text that are looked at, of which fewer are shown."""
GREY = 0.85
"""Of a map without evidence."""


@dataclass(frozen=True)
class Panel:
    """The maps (n, H, W) of one method at one layer; `says` are each image's lines of text."""

    maps: NDArray[Any]
    says: Sequence[Sequence[str]]


def images_drawn(n: int, panels: int, shape: Sequence[int], look: Look) -> int:
    """How many of n images (H, W, ...) are drawn, of so many panels each: one at the least.

    Raises BadInput where one is too many pixels.
    """
    height, width = look.size or _size(shape[0], shape[1])
    tiles = 2 * panels + 1
    pixels = tiles * height * width
    if pixels > MOST_PIXELS:
        raise BadInput(
            f"--picture: {tiles} tiles of {height} x {width} for one image are {pixels} pixels, "
            f"{MOST_PIXELS} at most; give a smaller --size, or draw less"
        )
    return max(min(n, MOST_IMAGES, MOST_TILES // tiles, MOST_PIXELS // pixels), 1)


def composed(
    images: NDArray[Any], named: Sequence[Sequence[str]], lines: Sequence[Sequence[Panel]],
    look: Look, across: int = ACROSS, overlays: bool = True,
) -> NDArray[np.uint8]:  # fmt: skip
    """Pixels (height, width, 3) of images (n, H, W, C) in [0, 1] with their lines of text.

    One panel stands beside the image, and its overlay beside that; of several the overlays stand
    beneath the maps. A line of more than `across` panels is broken. Without `overlays` there are
    the maps alone.
    """
    size = look.size or _size(images.shape[1], images.shape[2])
    broken = [part for line in lines for part in _broken(line, across)]
    drawings = [[_Drawing(panel, look) for panel in line] for line in broken]
    blocks = [
        _block(drawn.plain(image, size), named[n], drawings, n, look, overlays)
        for n, image in enumerate(images)
    ]
    spaced = [np.pad(each, ((0, GAP), (0, 0), (0, 0)), constant_values=1.0) for each in blocks]
    pixels: NDArray[np.uint8] = np.rint(255 * np.concatenate(spaced)).astype(np.uint8)
    return pixels


def save(
    path: Path, images: NDArray[Any], named: Sequence[Sequence[str]],
    lines: Sequence[Sequence[Panel]], look: Look,
) -> None:  # fmt: skip
    """Write the PNG, whole or not at all. Raises BadInput."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(composed(images, named, lines, look)).save(buffer, "PNG")
    write_bytes(path, buffer.getvalue())


def _size(height: int, width: int) -> tuple[int, int]:
    times = -(-SMALLEST // min(height, width))
    return times * height, times * width


def _broken(line: Sequence[Panel], across: int) -> Iterator[Sequence[Panel]]:
    """Parts of a line, as even as they can be."""
    rows = -(-len(line) // across)
    step = -(-len(line) // rows)
    return (line[start : start + step] for start in range(0, len(line), step))


class _Drawing:
    """A panel's maps as they are coloured."""

    def __init__(self, panel: Panel, look: Look) -> None:
        self.says = panel.says
        self.signed = drawn.both_signs(panel.maps, look)
        self.empty = zero_maps(panel.maps)
        self.values = drawn.scaled(panel.maps, look)

    def pair(self, n: int, image: drawn.Pixels, look: Look) -> list[NDArray[np.float64]]:
        """The map of image n and its overlay; of an empty one a word, and the image alone."""
        if self.empty[n]:
            told = "no evidence" if self.signed else "no positive evidence"
            return [_worded(image.shape[:2], told.split(" ")), image.astype(np.float64)]
        return list(drawn.tiles(self.values[n], self.signed, image, look))


def _block(
    image: drawn.Pixels, named: Sequence[str], lines: list[list[_Drawing]], n: int, look: Look,
    overlays: bool,
) -> NDArray[np.float64]:  # fmt: skip
    """An image and all of its panels, a gap beneath."""
    if overlays and len(lines) == len(lines[0]) == 1:
        (only,) = lines[0]
        heat, over = only.pair(n, image, look)
        row = [
            _captioned(image, named),
            _captioned(heat, only.says[n]),
            _captioned(over, ["overlay"]),
        ]
        return _row(row)  # fmt: skip
    rows = []
    for number, line in enumerate(lines):
        pairs = [each.pair(n, image, look) for each in line]
        heads = [
            _captioned(heat, each.says[n]) for (heat, _), each in zip(pairs, line, strict=True)
        ]
        first = image if number == 0 else np.ones_like(image)
        rows.append(_row([_captioned(first, named if number == 0 else ()), *heads]))
        if overlays:
            rows.append(_row([np.ones(image.shape), *(over for _, over in pairs)]))
    width = max(row.shape[1] for row in rows)
    padded = [
        np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=1.0)
        for row in rows
    ]
    return np.concatenate(padded)


def _row(parts: Sequence[NDArray[np.floating[Any]]]) -> NDArray[np.float64]:
    """Parts side by side, at the foot of the row, with gaps between and beneath."""
    height = max(part.shape[0] for part in parts)
    spaced = [
        np.pad(part, ((height - part.shape[0], GAP), (0, GAP), (0, 0)), constant_values=1.0)
        for part in parts
    ]
    joined: NDArray[np.float64] = np.concatenate(spaced, axis=1).astype(np.float64)
    return joined


def _captioned(tile: NDArray[Any], says: Sequence[str]) -> NDArray[np.float64]:
    """A tile beneath its lines of text."""
    brief = [one_line(text[:LONGEST]) for text in says if text]  # a line end cannot be drawn
    font = lettering.font(LETTERS)
    texts = [line for text in brief for line in lettering.wrapped(text, tile.shape[1], font)]
    head = np.ones((LINE * len(texts) + 2, tile.shape[1], 3))
    written = _written(head, [(0, LINE * n, text) for n, text in enumerate(texts)])
    return np.concatenate([written, tile])


def _worded(size: tuple[int, ...], words: Sequence[str]) -> NDArray[np.float64]:
    """A grey tile with words in its middle."""
    top = (size[0] - LINE * len(words)) // 2
    font = lettering.font(LETTERS)
    width = [(size[1] - font.getlength(word)) / 2 for word in words]
    places = [(width[n], top + LINE * n, word) for n, word in enumerate(words)]
    return _written(np.full((*size, 3), GREY), places)


def _written(
    pixels: NDArray[np.float64], texts: Sequence[tuple[float, float, str]]
) -> NDArray[np.float64]:
    """Texts at (x, y) upon pixels (h, w, 3), each cut at the right edge."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray(np.rint(255 * pixels).astype(np.uint8))
    pen, font = ImageDraw.Draw(picture), lettering.font(LETTERS)
    for x, y, text in texts:
        left = max(x, 0)
        brief = lettering.cut(text, pixels.shape[1] - left, font)
        pen.text((left, y), brief, (0, 0, 0), font)
    return np.asarray(picture, np.float64) / 255
