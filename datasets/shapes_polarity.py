"""shapes_polarity: the generated shapes where size alone tells the object from the distractor.

Every image has both, each brighter or darker than the background by a coin of its own, and by the
same contrast, so that neither brightness nor contrast says which is labelled: it is the larger one.
A map of the image's own intensity points at the object no more often than chance would have it of
two bright things, which on `shapes` it always does. Nor does its place: it is small, and lies where
three random places are farthest from the middle, which it covers about as often as any other point.
See datasets/shapes.py, which draws both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datasets.contract import Dataset
from datasets.shapes import Drawn, Floats, between, generate, lay_out, paint, uniform

NAME = "shapes_polarity"
SEED = 20240612
TRAIN = 12000
"""Twice those of `shapes`: a shape of either polarity is two to learn."""
OBJECT_SIZE, DISTRACTOR_SIZE, PLACES = (0.18, 0.24), (0.09, 0.12), 3
CONTRAST, BACKGROUND = (0.36, 0.44), (0.47, 0.53)


def load(data_dir: Path | str | None = None, allow_unverified: bool = False) -> Dataset:
    """12,000 training and 1,000 test images, 28 x 28 x 1, with masks; the arguments do nothing."""
    return generate(NAME, draw, SEED, TRAIN)


def draw(count: int, seed: int) -> Drawn:
    """`count` images `(N, H, W, C)`, the labels `(N,)` and the labelled objects' masks."""
    bits = np.random.PCG64(seed)
    sizes = OBJECT_SIZE, DISTRACTOR_SIZE
    scene = lay_out(bits, count, 28, *sizes, crowded=True, apart=PLACES)
    background = between(bits, BACKGROUND, count, 1, 1, 1)
    contrast = between(bits, CONTRAST, count, 1, 1, 1)
    other, mine = (background + contrast * polarity(bits, count, 1, 1, 1) for _ in range(2))
    images = paint(bits, background, [(scene.other_cover, other), (scene.cover, mine)])
    return images, scene.labels.astype(np.int32), scene.cover > 0.5


def polarity(bits: np.random.PCG64, *shape: int) -> Floats:
    """1 or -1, by a coin of the raw stream."""
    return np.where(uniform(bits, *shape) < 0.5, np.float32(-1), np.float32(1))
