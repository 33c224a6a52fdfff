"""A safetensors file written an array at a time: the package's own writer copies all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from implementations.errors import BadInput

TYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint64": "U64", "uint32": "U32", "uint16": "U16",
    "uint8": "U8", "bool": "BOOL",
}  # fmt: skip
"""NumPy's names -> the format's."""


def write(stream: BinaryIO, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, str]) -> None:
    """Write a file whose header says `about` of itself. Raises BadInput for another type.

    The widest types lie first, names in order, so that every array is aligned.
    """
    for name, array in arrays.items():
        if array.dtype.name not in TYPES:
            raise BadInput(f"tensor {name!r} is {array.dtype}; save it as float32")
    names = sorted(arrays, key=lambda name: (-arrays[name].itemsize, arrays[name].dtype.name, name))
    header: dict[str, Any] = {"__metadata__": dict(sorted(about.items()))} if about else {}
    end = 0
    for name in names:
        array, start, end = arrays[name], end, end + arrays[name].nbytes
        header[name] = {
            "dtype": TYPES[array.dtype.name], "shape": array.shape, "data_offsets": [start, end]
        }  # fmt: skip
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    stream.write(len(text).to_bytes(8, "little") + text)
    for name in names:
        array = arrays[name]
        held = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        stream.write(held.reshape(-1).view(np.uint8).data)
