from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.stages.time import memory
from implementations.frameworks import column

ROOT = Path(__file__).parents[4]

PEAK = """
import numpy as np
from bench.stages.time import memory

large = np.ones((64, 1 << 20), np.uint8)  # 64 MB, given back before the reset
del large
held = memory.reset_peak()
before = memory.peak()
small = np.ones((48, 1 << 20), np.uint8)
del small
print(before - held, memory.peak() - held)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's counters are Linux'")
def test_the_peak_is_of_what_came_after_the_reset() -> None:
    """In a process of its own: another test's may hold free what 48 MB are then taken from."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK], capture_output=True, text=True, check=True, cwd=ROOT
    )
    before, after = map(float, done.stdout.split())
    assert before < 16
    assert 40 < after < 64


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
