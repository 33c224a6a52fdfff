from __future__ import annotations

import time

import numpy as np
import pytest

from bench.cells import Cell
from bench.observed import Observed
from bench.schema import COLUMNS

CELL = Cell(stage="time", framework="pytorch", dataset="digits", architecture="cnn-32-16-8")


def test_a_busy_core_is_a_core_in_use() -> None:
    with Observed(CELL) as busy:
        end = time.process_time() + 0.5
        while time.process_time() < end:
            pass
    assert 0.4 <= busy.row["cores_in_use"] <= 1.2
    with Observed(CELL) as idle:
        time.sleep(0.5)
    assert idle.row["cores_in_use"] < 0.2 < busy.row["cores_in_use"]
    assert not set(busy.row) - set(COLUMNS)
    assert busy.row["peak_device_mb"] is None


def test_memory_is_what_came_on_top() -> None:
    with Observed(CELL) as observed:
        array = np.ones(48 << 20, np.uint8)
        del array
    if observed.row["memory_mb"] is None:
        pytest.skip("the kernel has no such counter here")
    assert 40 < observed.row["memory_mb"] < 80
