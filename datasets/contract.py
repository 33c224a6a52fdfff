"""What every data set hands over: one frozen record of NumPy arrays and facts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with labels, in a training and a test part, and where they come from.

    Images are `(N, H, W, C)` float32 in [0, 1]; labels `(N,)` int32 that index `class_names`.
    `test_masks` is `(N, H, W)` bool, true where the labelled object is, or None where no truth
    is known. `verified` says that the bytes are the published ones (or made here from a seed),
    `licence` and `source` say what may be done with them and who made them.
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
