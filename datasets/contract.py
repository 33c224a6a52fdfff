"""What every data set hands over: one frozen record of NumPy arrays and facts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import resize


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with labels, in a training and a test part, and where they come from.

    Images are `(N, H, W, C)` float32 in [0, 1]; labels `(N,)` int32 that index `class_names`.
    `test_masks` is `(N, H, W)` bool, true where the labelled object is, or None where no truth
    is known. `verified` says that the bytes are the published ones (or made here from a seed),
    `licence` and `source` say what may be done with them and who made them. `whole` is
    (N, s, s, C), what the test images are the centres of, for networks that read another size; None
    where images have one size.
    """

    name: str
    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int32]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int32]
    class_names: tuple[str, ...]
    test_masks: NDArray[np.bool_] | None
    verified: bool
    licence: str
    source: str
    whole: NDArray[np.float32] | None = None


LEAST = 7 / 8
"""The part of a whole image's sides that a network sees at the least: 224 of 256."""


def centre(whole: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """The centres (N, height, width, C) of images (N, s, s, C).

    Cut out where a network reads 7/8 of the sides or more, as 224 or 227 of 256; else that part
    resized, bilinear without antialias.
    """
    side = whole.shape[1]
    cut = [each if LEAST * side <= each <= side else round(LEAST * side) for each in size]
    top, left = ((side - each) // 2 for each in cut)
    part = whole[:, top : top + cut[0], left : left + cut[1]]
    if tuple(cut) == size:
        return part
    planes = part.transpose(0, 3, 1, 2).reshape(-1, *cut)
    resized = resize(planes, size).reshape(len(whole), -1, *size)
    return resized.transpose(0, 2, 3, 1).astype(np.float32)
