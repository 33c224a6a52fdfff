from __future__ import annotations

import os
import resource
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file

from bench.record.array_file import ArrayFile
from implementations.errors import BadInput

DTYPES = st.sampled_from([np.float32, np.float64, np.int32])


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, NDArray[Any]], int]:
    """Arrays of as many rows, and the rows a piece."""
    n = draw(st.integers(1, 7))
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    arrays = {}
    for name in draw(st.lists(st.text("abc.é", min_size=1, max_size=4), unique=True, min_size=1)):
        shape = (n, *draw(st.just(()) | array_shapes(max_dims=3, max_side=4)))
        arrays[name] = (generator.standard_normal(shape) * 1e3).astype(draw(DTYPES))
    return arrays, draw(st.integers(1, n))


@given(tables())
@settings(deadline=None, max_examples=60)
def test_safetensors_reads_what_was_written_in_pieces(
    table: tuple[dict[str, NDArray[Any]], int],
) -> None:
    arrays, piece = table
    n = len(next(iter(arrays.values())))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "maps.safetensors"
        first = {name: array[:piece] for name, array in arrays.items()}
        file = ArrayFile(path, n, first, {"layer": "conv1"})
        for start in reversed(range(0, n, piece)):
            file.write(start, {name: a[start : start + piece] for name, a in arrays.items()})
        assert not path.exists()
        file.close()
        assert list(Path(folder).iterdir()) == [path]
        found = load_file(path)
        with safe_open(path, "numpy") as opened:
            assert opened.metadata() == {"layer": "conv1"}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_discard_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "maps.safetensors"
    path.write_bytes(b"an older result")
    file = ArrayFile(path, 4, {"a": np.zeros((2, 3), np.float32)}, {})
    file.write(0, {"a": np.ones((2, 3), np.float32)})
    file.discard()
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"an older result"


def test_a_full_disk_is_said_in_a_line_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(BadInput, match="cannot write"):
            ArrayFile(tmp_path / "big.safetensors", 10**6, {"a": np.zeros((1, 8))}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    rows = {"a": np.zeros((1, 8))}
    file = ArrayFile(tmp_path / "late", 1, rows, {})
    for name in ("early", "late"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(BadInput, match="it is a pipe"):
        ArrayFile(tmp_path / "early", 1, rows, {})
    with pytest.raises(BadInput, match="it is a pipe"):
        file.close()
    file.discard()
    assert [path.is_fifo() for path in tmp_path.iterdir()] == [True, True]
