"""Common random numbers: each image has its own, the same for every explainer and metric.

They come from the raw PCG64 stream (what NumPy's generators make of it may change), by purpose and
by the image's number in its set: in another order or batch an image still meets the same draws.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Draws:
    """Random numbers of the images with these numbers (N,)."""

    numbers: NDArray[np.int64]

    def permutations(self, purpose: str, count: int) -> NDArray[np.int64]:
        """One random order of 0 to count - 1 an image (N, count)."""
        return np.argsort(self._raw(purpose, count), axis=1, kind="stable")

    def uniform(self, purpose: str, *shape: int) -> NDArray[np.float64]:
        """Numbers in [0, 1) an image (N, *shape)."""
        raw = self._raw(purpose, math.prod(shape)) >> np.uint64(11)
        return (raw.astype(np.float64) * 2.0**-53).reshape(len(self.numbers), *shape)

    def _raw(self, purpose: str, count: int) -> NDArray[np.uint64]:
        seed = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
        streams = (np.random.PCG64([seed, int(number)]) for number in self.numbers)
        return np.stack([stream.random_raw(count) for stream in streams])
