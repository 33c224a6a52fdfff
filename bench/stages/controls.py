"""Maps that explain nothing: what any explainer must beat before its score means something."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Maps = NDArray[np.float64]


def noise(images: NDArray[np.float32]) -> Maps:
    """Uniform noise (N, H, W), seeded."""
    return np.random.default_rng(0).uniform(size=images.shape[:3])


def centre(images: NDArray[np.float32]) -> Maps:
    """A Gaussian in the middle of the image, its deviation a quarter of the side."""
    n, height, width, _ = images.shape
    y, x = np.mgrid[:height, :width]
    square = ((y - (height - 1) / 2) / height) ** 2 + ((x - (width - 1) / 2) / width) ** 2
    return np.repeat(np.exp(-8 * square)[None], n, axis=0)


def edges(images: NDArray[np.float32]) -> Maps:
    """The magnitude of the image's gradient (Sobel), averaged over colours."""
    grey = images.mean(axis=3, dtype=np.float64)
    # One image at a time: Sobel smooths along every other axis, and so across images.
    sides = [(ndimage.sobel(image, axis=0), ndimage.sobel(image, axis=1)) for image in grey]
    return np.stack([np.hypot(*pair) for pair in sides])


CONTROLS: dict[str, Callable[[NDArray[np.float32]], Maps]] = {
    "noise": noise,
    "centre": centre,
    "edges": edges,
}
