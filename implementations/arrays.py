"""The types of arrays that cross from one room to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any
Images = NDArray[np.float32]
Targets = NDArray[np.int32]
Weights = Mapping[str, NDArray[Any]]
Draws = dict[str, NDArray[Any]]
"""Arrays that a method is given beside the images, by name: random numbers, or made of them."""
Intermediates = dict[str, Array]
"""What a heatmap is made of, by name, `heatmap` among them."""
Floats = NDArray[np.float64]
"""What the oracle computes with."""
Tensors = Mapping[str, Floats]
"""A node's own weights by their short name, `kernel`."""


def kept(answer: Any, outputs: Sequence[str]) -> Any:
    """Of intermediates with a heatmap those that are wanted; any other answer as it is.

    What is left out of an answer before it is compiled, the compiler need not compute.
    """
    if not isinstance(answer, dict) or "heatmap" not in answer:
        return answer
    return {name: answer[name] for name in outputs if name in answer}


def resize(heatmap: NDArray[np.floating], size: tuple[int, int]) -> Floats:
    """Bilinear, half-pixel centres, no antialias, edges repeated: (N, h, w) to (N, H, W)."""
    resized = np.asarray(heatmap, np.float64)
    for axis, length in ((1, size[0]), (2, size[1])):
        old = resized.shape[axis]
        place = np.clip((np.arange(length) + 0.5) * (old / length) - 0.5, 0, old - 1)
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, old - 1)
        share = (place - low)[:, None] if axis == 1 else place - low
        before, after = resized.take(low, axis), resized.take(high, axis)
        resized = before * (1 - share) + after * share
    return resized
