"""Our writer of safetensors files beside the package's own."""

from __future__ import annotations

import io

import numpy as np
import pytest
from safetensors.numpy import load, save

from implementations.architecture import tensor_file
from implementations.errors import BadInput


def written(arrays: dict, about: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    tensor_file.write(stream, arrays, about)
    return stream.getvalue()


@pytest.mark.parametrize("about", [{}, {"source": 'a "quoted" name, é'}])
def test_float32_is_byte_for_byte_the_package_s(about):
    draw = np.random.default_rng(0)
    arrays = {
        "b.kernel": draw.standard_normal((3, 3, 2, 4), np.float32),
        "a.bias": draw.standard_normal(4, np.float32),
        "turned": draw.standard_normal((5, 7), np.float32).T,
        "step": np.float32(3).reshape(()),
        "none": np.zeros((0, 2), np.float32),
    }
    assert written(arrays, about) == save(
        {name: np.asarray(array, order="C") for name, array in arrays.items()}, about or None
    )


def test_every_type_comes_back():
    arrays = {
        name: np.arange(6).reshape(2, 3).astype(name) for name in tensor_file.TYPES
    } | {"big-endian": np.arange(4, dtype=">f4")}  # fmt: skip
    found = load(written(arrays, {}))
    assert sorted(found) == sorted(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found[name], array)


def test_another_type_is_one_line():
    with pytest.raises(BadInput, match="tensor 'a' is complex64; save it as float32"):
        written({"a": np.zeros(2, np.complex64)}, {})
