"""Controls: maps that know nothing of the network, beside which any explainer's score is read.

They explain no network, so they are computed in NumPy, in the oracle's column: (N, H, W) from
images (N, H, W, C). Another control is the explainer itself on weights that were never trained
(`weights = "initial"`, see `bench/stages/contrast.py`).
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Intermediates
from implementations.contract import Explain, Options
from implementations.libraries import Offer

TITLE = "Controls"
PACKAGE = "scipy"
IMPORTS = {"scipy": "scipy"}
FRAMEWORK = "reference"

Maps = NDArray[np.float64]


def noise(images: Maps) -> Maps:
    """Uniform in [0, 1), from the raw stream: an image's own bytes are its seed."""
    size = images.shape[1:3]
    return np.stack([_uniform(image, size) for image in images])


def _uniform(image: Maps, size: tuple[int, ...]) -> Maps:
    seed = hashlib.sha256(np.ascontiguousarray(image, np.float32).tobytes()).digest()
    raw = np.random.PCG64(int.from_bytes(seed, "little")).random_raw(size[0] * size[1])
    uniform: Maps = ((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(size)
    return uniform


def uniform(images: Maps) -> Maps:
    """One everywhere."""
    return np.ones(images.shape[:3])


def centre(images: Maps) -> Maps:
    """A Gaussian in the middle of the image, its deviation a quarter of the side."""
    n, height, width, _ = images.shape
    y, x = np.mgrid[:height, :width]
    square = ((y - (height - 1) / 2) / height) ** 2 + ((x - (width - 1) / 2) / width) ** 2
    return np.repeat(np.exp(-8 * square)[None], n, axis=0)


def edges(images: Maps) -> Maps:
    """The magnitude of the grey image's gradient (Sobel)."""
    from scipy import ndimage

    # One image at a time: Sobel smooths along every other axis, and so across images.
    sides = ((ndimage.sobel(image, 0), ndimage.sobel(image, 1)) for image in grey(images))
    return np.stack([np.hypot(down, across) for down, across in sides])


def grey(images: Maps) -> Maps:
    """The image's own intensity: the mean over its colours."""
    shades: Maps = images.mean(axis=3, dtype=np.float64)
    return shades


def blurred(images: Maps) -> Maps:
    """`grey` blurred by a Gaussian, its deviation an eighth of the side."""
    from scipy import ndimage

    _, height, width, _ = images.shape
    return ndimage.gaussian_filter(grey(images), (0, height / 8, width / 8))


CONTROLS = {each.__name__: each for each in (noise, uniform, centre, edges, grey, blurred)}
OFFERS = {
    name: Offer(
        like="", at="input", why=str(control.__doc__), convention="A control, of no network."
    )
    for name, control in CONTROLS.items()
}


def build(offer: str, network: Any, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W) and reads neither network nor targets."""

    def explain(network: Any, images: Any, targets: Any) -> Intermediates:
        return {"heatmap": CONTROLS[offer](images)}

    return explain
