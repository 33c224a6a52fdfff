"""shapes_shortcut: the generated shapes with a mark in a corner that gives the class away.

The label is the mark's class. In training the object is of that class too, in three images of four;
in the test images it is always of another: a network that scores well there has learnt the
shortcut, and `test_masks` are the mark's pixels, where a map of what such a network uses has to be.
Marks are six patterns of 4 x 4, of which half of the pixels are bright and half dark, in any of the
corners, on a background that is between them; the object is the brightest thing and there is no
distractor, so what follows brightness misses the mark. See datasets/shapes.py, which draws both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.contract import Dataset
from datasets.shapes import (
    DISTANCE,
    DISTRACTOR_SIZE,
    OBJECT_GREY,
    Drawn,
    between,
    generate,
    lay_out,
    paint,
    uniform,
)

NAME = "shapes_shortcut"
SEED = 20240616
OBJECT_SIZE = (0.20, 0.26)
CONTRAST, BACKGROUND = (0.25, 0.32), (0.34, 0.38)
SIDE, MARK = 28, 4
AGREE = 0.75
"""Of training images, whose object is of the mark's class."""
_WALSH = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, -1, 1], [1, -1, 1, -1]])
MARKS = np.stack([np.outer(_WALSH[i], _WALSH[j]) for i, j in
                  ((0, 1), (1, 0), (0, 3), (3, 0), (3, 3), (2, 2))])  # fmt: skip
"""Products of Walsh functions (6, 4, 4): 1 and -1, each adding up to nothing, all orthogonal."""


def load(data_dir: Path | str | None = None, allow_unverified: bool = False) -> Dataset:
    """6,000 training and 1,000 test images, 28 x 28 x 1, with masks; the arguments do nothing."""
    return generate(NAME, lambda count, seed: draw(count, seed, agree=seed == SEED), SEED)


def draw(count: int, seed: int, agree: bool) -> Drawn:
    """`count` images `(N, H, W, C)`, the marks' classes `(N,)` and where they are.

    The object's class is the mark's in three images of four where they are to agree, else another.
    """
    bits = np.random.PCG64(seed)
    scene = lay_out(bits, count, SIDE, OBJECT_SIZE, DISTRACTOR_SIZE, crowded=False)
    background = between(bits, BACKGROUND, count, 1, 1, 1)
    colours = between(bits, OBJECT_GREY, count, 1, 1, 1)
    turns = 1 + (5 * uniform(bits, count)).astype(np.int64)
    turns[(uniform(bits, count) < AGREE) & agree] = 0
    marks = (scene.labels + turns) % len(DISTANCE)
    where = _corners(bits, count)
    contrast = between(bits, CONTRAST, count, 1, 1, 1)
    bright = np.zeros(where.shape, np.float32)
    bright[where] = (MARKS[marks] > 0).ravel()
    dark = where - bright
    layers = [(scene.cover, colours), (bright, background + contrast)]
    images = paint(bits, background, [*layers, (dark, background - contrast)])
    return images, marks.astype(np.int32), where


def _corners(bits: np.random.PCG64, count: int) -> NDArray[np.bool_]:
    """A corner of each image (N, H, W), a pixel off the border."""
    far = SIDE - 1 - MARK
    starts = np.where(uniform(bits, count, 2) < 0.5, 1, far)[..., None]
    places = np.arange(SIDE)
    inside = (places >= starts) & (places < starts + MARK)
    return inside[:, 0, :, None] & inside[:, 1, None, :]
