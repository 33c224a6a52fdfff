from __future__ import annotations

import pytest

from bench.stages.time.device_memory import Counted, DeviceMemory

MB = 2**20


def taken(array: str, *told: Counted | None) -> float | None:
    found = iter(told)
    return DeviceMemory(array, lambda: next(found)).taken()


def test_what_a_call_takes_is_above_what_was_in_use() -> None:
    assert taken("torch", Counted(10 * MB, 10 * MB), Counted(10 * MB, 14 * MB)) == 4


def test_one_peak_of_the_whole_process_tells_only_when_it_rises() -> None:
    assert taken("jax", Counted(10 * MB, 30 * MB), Counted(10 * MB, 30 * MB)) is None
    assert taken("jax", Counted(10 * MB, 30 * MB), Counted(10 * MB, 31 * MB)) == 21
    assert taken("jax", None, None) is None


def test_without_a_gpu_jax_tells_of_no_device_memory() -> None:
    jax = pytest.importorskip("jax")
    if jax.devices()[0].platform != "cpu":
        pytest.skip("there is a GPU: its counter is read where cells are timed on it")
    assert DeviceMemory("jax").taken() is None
