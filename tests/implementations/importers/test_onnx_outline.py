"""Large files that are no network's: refused in little memory, by how they are built."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from import_refused import refusal
from onnx import helper
from onnx_graphs import CONV, HEAD, WEIGHTS, saved

from implementations.importers.onnx import outline
from implementations.importers.onnx.tensors import array

LARGE = (1 << 31) - 1
MOST_MB = 400


def varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"", "export it again"),
        (b"\x08\x0a\x12\x04mine", "export it again"),
        (b"\x3a" + varint(LARGE - 6), "export it again"),
        (b"\x3a" + varint(LARGE), "it is cut short"),
        (b"\x32" + varint(LARGE - 6), "more than a network's description"),
        (b"\x3a\x00\x7a" + varint(LARGE - 8), "more than a network's description"),
    ],
    ids=["zeros", "a head", "a graph of zeros", "cut short", "documentation", "an unknown field"],
)
def test_a_large_file_is_not_read_to_be_refused(tmp_path: Path, head: bytes, said: str) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(head)
    os.truncate(file, LARGE)
    told = refusal(str(file), "--out", str(tmp_path / "out"))
    assert f"{file} is no readable ONNX file: " in told["said"] and said in told["said"]
    assert told["peak"] < MOST_MB, told
    assert sorted(tmp_path.iterdir()) == [file]


def test_many_small_messages_are_too_many(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(b"\x3a" + varint(1 << 22) + b"\x0a\x00" * (1 << 21))
    with file.open("rb") as stream, pytest.raises(ValueError, match="more than a network's"):
        outline.check(stream.fileno(), file.stat().st_size)


def test_a_network_is_taken_and_cut_anywhere_refused(tmp_path: Path) -> None:
    file = saved(tmp_path / "m.onnx", [*CONV, ("Relu", ["c"], "y"), *HEAD], WEIGHTS)
    size = file.stat().st_size
    with file.open("rb") as stream:
        outline.check(stream.fileno(), size)
        graph = file.read_bytes().index(b"\x3a")
        for cut in range(graph + 1, size - 10, 7):
            with pytest.raises(ValueError, match="export it again"):
                outline.check(stream.fileno(), cut)


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i4", "i8", "u8", "u1", "?"])
def test_typed_values_are_those_of_the_package(tmp_path: Path, dtype: str) -> None:
    values = np.random.default_rng(0).uniform(0, 200, 7).astype(dtype)
    kind = helper.np_dtype_to_tensor_dtype(values.dtype)
    tensor = helper.make_tensor("t", kind, values.shape, values)
    assert not tensor.HasField("raw_data")
    made = array(tensor, tmp_path)
    assert made.dtype == values.dtype
    np.testing.assert_array_equal(made, values)
