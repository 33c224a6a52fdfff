"""Memory of a GPU, by the counter of the library whose arrays are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Counted(NamedTuple):
    """Bytes in use now, and the most there were: since the last reset, JAX's of the process."""

    now: int
    most: int


Read = Callable[[], Counted | None]


class DeviceMemory:
    """What is taken from now on, above what is in use: `array` is `torch`, `jax` or `tensorflow`.

    `read` stands in for the library's own counter.
    """

    def __init__(self, array: str, read: Read | None = None) -> None:
        self._read = read or READS[array]
        if array in RESETS and read is None:
            RESETS[array]()
        self._before = self._read()
        self._forgets = array in RESETS

    def taken(self) -> float | None:
        """The most that was in use, in MB, above what was when this began.

        None where the library does not tell: JAX has one peak for the whole process, so it tells
        only of what goes beyond all that went before, which a call made before does not.
        """
        before, after = self._before, self._read()
        if before is None or after is None:
            return None
        known = self._forgets or after.most > before.most
        return (after.most - before.now) / 2**20 if known else None


def _forget_torch() -> None:
    import torch

    torch.cuda.reset_peak_memory_stats()


def _forget_tensorflow() -> None:
    import tensorflow as tf

    tf.config.experimental.reset_memory_stats("GPU:0")


def _torch() -> Counted:
    import torch

    return Counted(torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated())


def _tensorflow() -> Counted:
    import tensorflow as tf

    told = tf.config.experimental.get_memory_info("GPU:0")
    return Counted(int(told["current"]), int(told["peak"]))


def _jax() -> Counted | None:
    import jax

    told = jax.devices()[0].memory_stats() or {}
    if "peak_bytes_in_use" not in told:
        return None
    return Counted(int(told["bytes_in_use"]), int(told["peak_bytes_in_use"]))


READS: dict[str, Read] = {"torch": _torch, "jax": _jax, "tensorflow": _tensorflow}
RESETS: dict[str, Callable[[], None]] = {
    "torch": _forget_torch, "tensorflow": _forget_tensorflow,
}  # fmt: skip
"""What makes a library forget its peak so far: JAX cannot."""
