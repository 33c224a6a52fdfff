"""A user's images, of which a part at a time is in memory."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray


class UserImages:
    """Images (N, H, W, C) as float32 in [0, 1], converted a part at a time, as they are read."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array, self.shape = array, array.shape

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        found = np.asarray(self._array[part])
        images = found.astype(np.float32)
        release(self._array)
        if found.dtype == np.uint8:
            images /= np.float32(255)
        return np.clip(images, 0, 1, out=images)


def release(array: NDArray[Any]) -> None:
    """Let go of what has been read of a mapped file: else it counts as this process' memory."""
    held: Any = array
    while isinstance(held, np.ndarray):
        held = held.base
    if isinstance(held, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        held.madvise(mmap.MADV_DONTNEED)
