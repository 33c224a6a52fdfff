"""shapes64: the generated shapes at 64 x 64 in three channels, with random colours.

See datasets/shapes.py, which draws both. Own work, MIT as the suite.
"""

from __future__ import annotations

from pathlib import Path

from datasets.contract import Dataset
from datasets.shapes import draw, generate

NAME = "shapes64"
SEED = 20240610


def load(data_dir: Path | str | None = None, allow_unverified: bool = False) -> Dataset:
    """6,000 training and 1,000 test images, 64 x 64 x 3, with masks; the arguments do nothing."""
    return generate(NAME, lambda count, seed: draw(count, 64, 3, seed), SEED)
