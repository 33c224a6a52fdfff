from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
from dataclasses import asdict, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.engine.environment import environment
from bench.record.cell import Cell, from_document
from implementations import frameworks

CELL = Cell(
    stage="agree", framework="keras", backend="jax", method="grad_cam", dataset="digits",
    architecture="cnn-gap", options=(("points", "20"),),
)  # fmt: skip
OTHERS: dict[str, Any] = {
    "str": "another", "int": 7, "tuple[tuple[str, str], ...]": (("points", "21"),),
}  # fmt: skip


def test_an_id_is_stable_across_processes_and_releases() -> None:
    # Published rows carry it: a change of it orphans them.
    assert Cell(
        stage="agree", framework="jax", dataset="digits", architecture="cnn-gap"
    ).cell_id == "e4c4acea3bc0"  # fmt: skip


def test_every_toggle_is_part_of_the_id() -> None:
    changed = [replace(CELL, **{f.name: OTHERS[str(f.type)]}) for f in fields(Cell)]
    assert len({cell.cell_id for cell in [CELL, *changed]}) == len(fields(Cell)) + 1


@given(
    st.builds(
        Cell, stage=st.text(max_size=5), framework=st.text(max_size=5), dataset=st.text(max_size=5),
        architecture=st.text(max_size=5), batch=st.integers(), seed=st.integers(),
        options=st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3))).map(tuple),
    )
)  # fmt: skip
def test_a_document_goes_there_and_back(cell: Cell) -> None:
    again = from_document(json.loads(json.dumps(asdict(cell))))
    assert again == cell and again.cell_id == cell.cell_id


def test_a_cell_is_named_in_words() -> None:
    told = str(replace(CELL, layer="relu1", batch=8))
    assert told == "keras[jax] grad_cam cnn-gap digits relu1 x8 eager float32"
    assert str(replace(CELL, library="captum")).startswith("keras[jax] captum.grad_cam ")
    train = replace(CELL, stage="train", task="train", method="", optimizer="sgd")
    assert str(train) == "keras[jax] train cnn-gap digits sgd"


def test_environment_follows_device_precision_and_threads() -> None:
    plain = environment(CELL)
    assert all(isinstance(value, str) for value in plain.values())
    assert plain["KERAS_BACKEND"] == "jax" and plain["JAX_PLATFORMS"] == "cpu"
    assert plain["CUDA_VISIBLE_DEVICES"] == "" and plain["JAX_ENABLE_X64"] == "0"
    assert plain["OMP_NUM_THREADS"] == str(len(os.sched_getaffinity(0)))
    gpu = environment(replace(CELL, device="gpu", threads=3))
    assert gpu["JAX_PLATFORMS"] == "cuda" and "CUDA_VISIBLE_DEVICES" not in gpu
    assert gpu["OMP_NUM_THREADS"] == gpu["TF_NUM_INTRAOP_THREADS"] == "3"
    assert environment(replace(CELL, precision="float64"))["JAX_ENABLE_X64"] == "1"
    spread = environment(replace(CELL, mode="tuned", threads=1))["XLA_FLAGS"]
    assert spread.endswith("device_count=1") and "XLA_FLAGS" not in plain
    tf32 = [
        environment(replace(CELL, precision=p))["NVIDIA_TF32_OVERRIDE"] for p in ("tf32", "float32")
    ]
    assert tf32 == ["1", "0"]


GREEDY = """
import resource
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    del_me = bytearray(50 << 20)
    del del_me
    after = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(after - before)
"""


ALIGNED = """
import ctypes, resource
libc = ctypes.CDLL(None)
libc.posix_memalign.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t
libc.memset.argtypes = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
block = ctypes.c_void_p()
for number in range(9):
    if number == 1:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    libc.posix_memalign(ctypes.byref(block), 64, 50 << 20)
    libc.memset(block, 1, 50 << 20)
    small = [libc.malloc(size) for size in (24, 40, 56, 72, 88)]
    for each in (block, *small):
        libc.free(each)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the variables are glibc's")
def test_an_array_that_is_freed_serves_the_next_of_its_size() -> None:
    def faults(**changes: str) -> int:
        variables = {**os.environ, **environment(CELL), **changes}
        command = [sys.executable, "-c", ALIGNED]
        return int(subprocess.check_output(command, env=variables, text=True))

    assert faults() < 100
    if tuple(map(int, platform.libc_ver()[1].split("."))) < (2, 38):
        assert faults(GLIBC_TUNABLES="") > (50 << 20) // resource.getpagesize()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the variables are glibc's")
def test_what_a_call_frees_serves_the_next_call_again() -> None:
    def faults(**changes: str) -> int:
        variables = {**os.environ, **environment(CELL), **changes}
        command = [sys.executable, "-c", GREEDY]
        return int(subprocess.check_output(command, env=variables, text=True))

    as_it_comes = faults(MALLOC_MMAP_MAX_="65536", MALLOC_TRIM_THRESHOLD_="131072")
    assert faults() < 100 < (50 << 20) // resource.getpagesize() <= as_it_comes


@pytest.mark.parametrize(
    "changes", [{"method": "saliency"}, {"layer": "relu1"}, {"mode": "compiled"}, {"seed": 3}]
)
def test_what_needs_no_other_environment_shares_a_process(changes: dict[str, object]) -> None:
    assert environment(replace(CELL, **changes)) == environment(CELL)  # type: ignore[arg-type]


def test_no_two_columns_or_devices_share_a_process_nor_settings_of_arithmetic() -> None:
    found = {
        (c.label, precision, device): json.dumps(
            environment(replace(
                CELL, framework=c.framework, backend=c.backend, precision=precision, device=device
            )), sort_keys=True,
        )
        for c in frameworks.columns()
        for precision in ("float32", "float64", "tf32", "bfloat16")
        for device in ("cpu", "gpu")
    }  # fmt: skip
    by_place = {(label, device) for label, _, device in found}
    assert len({found[label, "float32", device] for label, device in by_place}) == len(by_place)
    for label, device in by_place:
        plain = found[label, "float32", device]
        assert found[label, "bfloat16", device] == plain != found[label, "tf32", device]
        # JAX's float64 is a setting of the process; the others' is a type as any.
        assert (found[label, "float64", device] != plain) == ("jax" in label)
