"""A safetensors file written piece by piece: arrays larger than what one wants in memory."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.weights import load as load
from implementations.architecture.weights import write_bytes as write_bytes
from implementations.architecture.weights import writing

NAMES = {"float32": "F32", "float64": "F64", "int32": "I32"}


class ArrayFile:
    """Arrays of `n` rows each, filled in by rows, under a temporary name until `close`.

    The layout is the safetensors format: the header's length, the header, then the arrays' bytes.
    Raises BadInput where the place cannot be written, is full or holds no regular file.
    """

    def __init__(
        self, path: Path, n: int, rows: Mapping[str, NDArray[Any]], about: Mapping[str, str]
    ) -> None:
        self.path = path
        header: dict[str, Any] = {"__metadata__": dict(about)}
        shapes = {name: (n, *array.shape[1:]) for name, array in rows.items()}
        offset, offsets = 0, {}
        for name in sorted(rows, key=lambda name: (-rows[name].dtype.itemsize, name)):
            dtype = rows[name].dtype
            end = offset + int(np.prod(shapes[name], dtype=np.int64)) * dtype.itemsize
            header[name] = {
                "dtype": NAMES[dtype.name], "shape": shapes[name], "data_offsets": (offset, end)
            }  # fmt: skip
            offsets[name], offset = offset, end
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with writing(path):
            with tempfile.NamedTemporaryFile(
                dir=path.parent, prefix=f".{path.name}.", suffix=".tmp", delete=False
            ) as stream:
                self.temporary = Path(stream.name)
            try:
                self.temporary.write_bytes(len(text).to_bytes(8, "little") + text)
                os.truncate(self.temporary, 8 + len(text) + offset)
            except OSError:
                self.discard()
                raise
        self.places = {
            name: (8 + len(text) + offsets[name], shapes[name], rows[name].dtype) for name in rows
        }

    def write(self, start: int, rows: Mapping[str, NDArray[Any]]) -> None:
        """Fill in rows from `start` on."""
        with writing(self.path), self.temporary.open("r+b") as stream:
            for name, array in rows.items():
                offset, shape, dtype = self.places[name]
                stride = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
                stream.seek(offset + start * stride)
                stream.write(np.ascontiguousarray(array, dtype).tobytes())

    def close(self) -> None:
        """Move the file into place."""
        with writing(self.path):
            self.temporary.chmod(0o644)
            self.temporary.replace(self.path)

    def discard(self) -> None:
        """Leave nothing behind."""
        self.temporary.unlink(missing_ok=True)
