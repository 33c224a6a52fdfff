"""shapes64_colour: the generated shapes at 64 x 64 where colour is a decoy.

Every image has a labelled object, which is grey, and a smaller distractor, which is vivid: each of
its colours is brighter or darker than the background by a coin of its own, never all three alike.
Both stand out of the background by the same contrast in each colour. So what is colourful is never
the object, and a map that follows colour shows the wrong one. See datasets/shapes.py, which draws
both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datasets.contract import Dataset
from datasets.shapes import Drawn, between, generate, lay_out, paint, uniform
from datasets.shapes_polarity import BACKGROUND, CONTRAST, polarity

NAME = "shapes64_colour"
SEED = 20240614
OBJECT_SIZE, DISTRACTOR_SIZE = (0.26, 0.33), (0.13, 0.17)


def load(data_dir: Path | str | None = None, allow_unverified: bool = False) -> Dataset:
    """6,000 training and 1,000 test images, 64 x 64 x 3, with masks; the arguments do nothing."""
    return generate(NAME, draw, SEED)


def draw(count: int, seed: int) -> Drawn:
    """`count` images `(N, H, W, C)`, the labels `(N,)` and the labelled objects' masks."""
    bits = np.random.PCG64(seed)
    scene = lay_out(bits, count, 64, OBJECT_SIZE, DISTRACTOR_SIZE, crowded=True)
    background = np.repeat(between(bits, BACKGROUND, count, 1, 1, 1), 3, axis=1)
    contrast = between(bits, CONTRAST, count, 1, 1, 1)
    grey = background + contrast * polarity(bits, count, 1, 1, 1)
    # One colour of the three goes the other way.
    odd = np.arange(3) == (3 * uniform(bits, count, 1)).astype(int)
    vivid = polarity(bits, count, 1, 1, 1) * np.where(odd, -1, 1)[..., None, None]
    other = background + contrast * vivid.astype(np.float32)
    images = paint(bits, background, [(scene.other_cover, other), (scene.cover, grey)])
    return images, scene.labels.astype(np.int32), scene.cover > 0.5
