from __future__ import annotations

import sys

import numpy as np
import pytest

from bench.stages.time import memory
from implementations.frameworks import column


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's counters are Linux'")
def test_the_peak_is_of_what_came_after_the_reset() -> None:
    large = np.ones((64, 1 << 20), np.uint8)  # 64 MB, given back before the reset
    del large
    held = memory.reset_peak()
    assert held is not None
    before = memory.peak()
    assert before is not None and before - held < 16
    # More than glibc ever takes from what it has free: 32 MB.
    small = np.ones((48, 1 << 20), np.uint8)
    del small
    after = memory.peak()
    assert after is not None and 40 < after - held < 64


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's counters are Linux'")
def test_what_was_freed_before_is_counted_again() -> None:
    small = [np.ones(1 << 16, np.uint8) for _ in range(800)]  # 50 MB in pieces that glibc keeps
    wall = np.ones(1 << 16, np.uint8)  # held behind them
    del small
    with memory.Watched() as watched:
        again = [np.ones(1 << 16, np.uint8) for _ in range(800)]
    del again, wall
    if watched.row["call_memory_mb"] is None:
        pytest.skip("the kernel has no such counter here")
    assert 40 < watched.row["call_memory_mb"] < 80


def test_what_tensorflow_takes_from_its_pool_is_counted() -> None:
    tf = pytest.importorskip("tensorflow")
    traits = column("keras", "tensorflow").traits

    def call() -> None:
        twice = tf.ones((32, 1 << 18)) + tf.ones((32, 1 << 18))  # three arrays of 32 MB
        del twice

    call()
    held = tf.ones((4, 1 << 18))
    for _ in range(2):
        with memory.Watched(traits) as watched:
            call()
        assert 60 < (watched.row["call_memory_mb"] or 0) < 110
    with memory.Watched(traits) as watched:
        tf.ones(4)
    assert (watched.row["call_memory_mb"] or 0) < 16
    del held
