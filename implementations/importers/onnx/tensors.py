"""A tensor of an ONNX file as a NumPy array: its numbers in the file, or in one beside it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.files import open_plain

MOST_TENSOR = 1 << 32
"""Bytes of the largest tensor, 4 GiB."""
TYPES: dict[int, tuple[str, str]] = {
    1: ("float32", "float_data"), 2: ("uint8", "int32_data"), 3: ("int8", "int32_data"),
    4: ("uint16", "int32_data"), 5: ("int16", "int32_data"), 6: ("int32", "int32_data"),
    7: ("int64", "int64_data"), 9: ("bool", "int32_data"), 10: ("float16", "int32_data"),
    11: ("float64", "double_data"), 12: ("uint32", "uint64_data"), 13: ("uint64", "uint64_data"),
    16: ("bfloat16", "int32_data"),
}  # fmt: skip
"""ONNX's number of an element type -> NumPy's name, and the field that holds typed values."""
HELD = {
    "float_data": "<f4", "double_data": "<f8", "int32_data": "<i4", "int64_data": "<i8",
    "uint64_data": "<u8",
}  # fmt: skip
"""Field of typed values -> NumPy's name of them."""
SHARED = 2
"""How often a byte beside the model is taken on average, at the most."""
SMALL = 1 << 26
"""Bytes of a file up to which nobody asks for its holes."""
OTHERS = {8: "STRING", 14: "COMPLEX64", 15: "COMPLEX128"}


def text(name: Any) -> str:
    """A name as text. Raises ValueError where it is none."""
    if not isinstance(name, str):
        raise ValueError("a name is not text; export the network again")
    return name


def array(tensor: Any, folder: Path) -> NDArray[Any]:
    """A tensor's values, of bfloat16 as float32. Raises ValueError that names it."""
    what = f"tensor {text(tensor.name)!r}"
    if tensor.data_type not in TYPES:
        told = OTHERS.get(tensor.data_type, f"of the type {tensor.data_type}")
        raise ValueError(f"{what} is {told}; float or integer wanted")
    name, typed = TYPES[tensor.data_type]
    stored = np.dtype("uint16" if name == "bfloat16" else name).newbyteorder("<")
    shape = tuple(tensor.dims)
    if any(size < 0 for size in shape):
        raise ValueError(f"{what} has a negative size")
    size = math.prod(shape) * stored.itemsize
    if size > MOST_TENSOR or max(shape, default=0) > MOST_TENSOR:
        raise ValueError(f"{what} says {size:,} bytes; 4 GiB at most")
    beside = [field for field in HELD if len(getattr(tensor, field))]
    if tensor.data_location != 1 and not tensor.HasField("raw_data"):
        beside = [field for field in beside if field != typed]
    if beside or (tensor.data_location == 1 and tensor.HasField("raw_data")):
        raise ValueError(f"{what} has its numbers twice, or as another type; export it again")
    if tensor.data_location == 1:
        values = np.frombuffer(_outside(tensor, what, size, folder), stored)
    elif tensor.HasField("raw_data"):
        if len(tensor.raw_data) != size:
            raise ValueError(f"{what}: shape and data do not match")
        values = np.frombuffer(tensor.raw_data, stored)
    else:
        values = _typed(getattr(tensor, typed), typed, name, stored)
    if values.size != math.prod(shape):
        raise ValueError(f"{what}: shape and data do not match")
    if name == "bfloat16":
        values = (values.astype("<u4") << 16).view("<f4")
    return values.reshape(shape)


def _typed(given: Sequence[Any], field: str, name: str, stored: Any) -> NDArray[Any]:
    held = np.fromiter(given, HELD[field], len(given))
    if name in ("float16", "bfloat16"):  # their bits, in integers
        return held.astype("<u2").view(stored)
    return held.astype(stored, copy=False)


def check_beside(tensors: Iterable[Any], folder: Path) -> None:
    """Raises ValueError where files beside the model cannot hold what tensors take from them.

    Two may share their numbers, and more; but all take `SHARED` times what is there at the most. A
    large file that is mostly holes takes no room on the disk, and all of its size in memory.
    """
    taken: Counter[Path] = Counter()
    for tensor in tensors:
        known = tensor.data_type in TYPES and not tensor.HasField("raw_data")
        if tensor.data_location == 1 and known:
            what = f"tensor {text(tensor.name)!r}"
            item = np.dtype(TYPES[tensor.data_type][0].replace("bfloat", "float")).itemsize
            taken[_beside(tensor, what, folder)[0]] += max(math.prod(tensor.dims), 0) * item
    for path, size in taken.items():
        held = path.stat()
        if size > SHARED * held.st_size:
            told = f"its tensors take {size:,} bytes of the {held.st_size:,} in {path.name!r}"
            raise ValueError(f"{told}; export the network again")
        if held.st_size > SMALL and 512 * held.st_blocks < held.st_size // 2:
            raise ValueError(f"{path.name!r} beside it is mostly holes; copy the file again")


def _beside(tensor: Any, what: str, folder: Path) -> tuple[Path, int, int | None]:
    """The file of a tensor beside the model, where in it, and of how many bytes if it says so."""
    given = {str(entry.key): str(entry.value) for entry in tensor.external_data}
    location = given.get("location", "")
    path = folder / location
    plain = location == Path(location).name and location not in ("", ".", "..")
    refusal = ValueError(f"{what}: its data must lie in a plain file beside the model")
    if not plain or "\\" in location or path.is_symlink() or not path.is_file():
        raise refusal
    try:
        length = int(given["length"]) if "length" in given else None
        return path, int(given.get("offset", "0")), length
    except ValueError:
        raise refusal from None


def _outside(tensor: Any, what: str, size: int, folder: Path) -> bytes:
    """The bytes of a tensor that lie in a plain file beside the model, and nowhere else."""
    path, offset, length = _beside(tensor, what, folder)
    length = size if length is None else length
    if length != size or offset < 0 or offset + length > path.stat().st_size:
        raise ValueError(f"{what}: shape and data do not match in {path.name!r}")
    with open_plain(path, 1 << 40, "file of tensors") as stream:
        stream.seek(offset)
        content = stream.read(length)
    tensor.raw_data = content
    tensor.ClearField("external_data")
    tensor.data_location = 0
    return content
