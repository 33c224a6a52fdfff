"""What a user gives: files read and checked before any work is done with them."""

from __future__ import annotations

import math
import os
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, BinaryIO, Literal

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, read_array_header_1_0, read_array_header_2_0
from numpy.typing import NDArray

from bench.cli.user_images import UserImages as UserImages
from bench.cli.user_images import release
from implementations.architecture import weights
from implementations.architecture.graph import Architecture
from implementations.arrays import Weights
from implementations.errors import BadInput
from implementations.files import open_plain, recognise

MOST_WEIGHTS = 1 << 32
"""Bytes of the largest file of weights that is read: 4 GiB, a thousand million parameters."""
MOST_HEADER = 10_000
"""Bytes of the longest .npy header that is evaluated."""
MOST_BYTES = 1 << 40
"""Bytes of the largest array that is mapped; a part of it is in memory at a time."""
MOST_UNPACKED = 1 << 32
"""Bytes of the largest array that is read out of an archive into memory."""
MOST_FOLD, SMALL = 100, 1 << 28
"""How many times its packed size an array of an archive may be, if it is not small, in bytes."""
PART = 1 << 26
"""Bytes of images that are looked at or converted at a time."""
ROUNDING = 5e-7
"""How far beyond [0, 1] a value may lie and is clipped: a few float32 steps at 1."""


def read_array(path: Path, what: str) -> NDArray[Any]:
    """The array of a .npy file, memory-mapped, or the only one of an .npz file.

    Raises BadInput for what is missing, not plain, broken, of another format or made of objects.
    """
    with open_plain(path, MOST_BYTES, f"file of {what}") as stream:
        head = stream.read(64)
        stream.seek(0)
        try:
            if head.startswith(b"PK"):
                return _only_array(stream, what)
            shape, fortran, dtype = _header(stream, what, os.fstat(stream.fileno()).st_size)
            offset = stream.tell()
            if 0 in shape:
                return np.empty(shape, dtype)
            order: Literal["C", "F"] = "F" if fortran else "C"
            return np.memmap(stream, dtype, "r", offset, shape, order)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            known = None if head.startswith((b"PK", MAGIC_PREFIX)) else recognise(head)
            told = f"it is {known}" if known else str(error).partition("\n")[0]
            raise BadInput(f"{path} is not a readable .npy file of {what}: {told}") from error


def _header(stream: IO[bytes], what: str, most: int) -> tuple[tuple[int, ...], bool, Any]:
    """Shape, order and dtype in a .npy header. Raises ValueError, whatever its text is."""
    if stream.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:
        raise ValueError("it is no file of NumPy's; numpy.save makes one")
    version = stream.read(2)
    # The third version differs in the names of fields alone, and fields no image has.
    readers = {b"\1\0": read_array_header_1_0, b"\2\0": read_array_header_2_0}
    read = readers.get(version.replace(b"\3", b"\2"))
    if read is None:
        raise ValueError("its version of the format is unknown; numpy.save makes one")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            shape, fortran, dtype = read(stream, max_header_size=MOST_HEADER)
    except Exception as error:  # a text is evaluated: nothing is known of what it raises
        raise ValueError("its header is broken; save it again with numpy.save") from error
    if dtype.hasobject:
        raise ValueError(f"an object array; save {what} as one rectangular numeric array")
    if any(isinstance(size, bool) or size < 0 for size in shape):
        raise ValueError(f"its header gives the shape {shape}; save it again with numpy.save")
    if math.prod(shape) * dtype.itemsize > most - stream.tell():
        raise ValueError(f"it is cut short: shape {shape} needs more bytes; copy it again")
    return shape, fortran, dtype


def _only_array(stream: BinaryIO, what: str) -> NDArray[Any]:
    """The one array of an .npz file. Raises ValueError where there is none or several."""
    with zipfile.ZipFile(stream) as archive:
        members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
        if len(members) != 1 or len(archive.infolist()) != 1:
            count = len(archive.infolist())
            raise ValueError(f"an archive of {count} files; save one array with numpy.save")
        size = members[0].file_size
        if size > MOST_UNPACKED:
            raise ValueError(f"an archive of {size} bytes unpacked; save it with numpy.save")
        if size > max(SMALL, MOST_FOLD * members[0].compress_size):
            raise ValueError(f"an archive that holds {size} bytes of nothing; use numpy.save")
        try:
            with archive.open(members[0]) as file:
                shape, fortran, dtype = _header(file, what, size)
                content = file.read()
        except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed otherwise
            raise ValueError("an archive that NumPy did not write; use numpy.savez") from error
    array = np.frombuffer(content, dtype, math.prod(shape))
    return array.reshape(shape, order="F" if fortran else "C")


def read_images(path: Path, check: bool = True) -> tuple[UserImages, str | None]:
    """A user's images and what is to be said of them: float32, as such or made of what was given.

    One image (H, W, C) becomes a batch; uint8 is divided by 255; other floats are cast; what lies
    beyond [0, 1] by rounding alone is clipped. Raises BadInput for all else; `check` looks at every
    value.
    """
    array = read_array(path, "images")
    if array.ndim == 3 and 1 <= array.shape[-1] <= 4:
        array = array[None]
    if array.ndim != 4:
        raise BadInput(f"{path}: images have shape {array.shape}; they must be (N, H, W, C)")
    if not array.size:
        raise BadInput(f"{path}: the batch is empty; give at least one image")
    if array.dtype == np.uint8:
        return UserImages(array), f"{path}: uint8 images, divided by 255"
    if array.dtype.kind != "f":
        raise BadInput(f"{path}: images are {array.dtype}; they must be float32 in [0, 1] or uint8")
    if check:
        _check_range(array, path)
    return UserImages(array), None


def background(path: str) -> NDArray[np.float32] | None:
    """Images (B, H, W, C) that baselines are drawn from, checked before; None where none are."""
    return read_images(Path(path), check=False)[0][:] if path else None


def _check_range(array: NDArray[Any], path: Path) -> None:
    """Raises BadInput for the first value out of [0, 1], with the mend that the values suggest."""
    step = max(PART // (array[:1].size * 8), 1)
    parts = [array[start : start + step] for start in range(0, len(array), step)]
    ends = []
    for part in parts:
        ends.append((part.min(), part.max()))
        release(array)
    lows, highs = zip(*ends, strict=True)
    for number, part in enumerate(parts):
        if lows[number] >= -ROUNDING and highs[number] <= 1 + ROUNDING:
            continue
        place = np.argwhere(~((part >= -ROUNDING) & (part <= 1 + ROUNDING)))[0]
        value = part[tuple(place)]
        index = (number * step + int(place[0]), *(int(i) for i in place[1:]))
        told = f"{path}: value {value} at {index} is not in [0, 1]"
        low, high = min(lows), max(highs)
        mend = "scale the images"
        if not np.isfinite(value):
            mend = "mend the images"
        elif low >= -ROUNDING and 1.5 < high <= 255:
            mend = "these look like 0 to 255: divide the images by 255"
        elif low < -ROUNDING and high - low <= 20:
            mend = (
                "these look standardised: give the images as they were before, and the mean and "
                "deviation in a node of kind normalise"
            )
        raise BadInput(f"{told}; {mend}")


def check_images(images: UserImages, architecture: Architecture, where: str) -> None:
    """Raises BadInput for images of a shape that the architecture cannot read."""
    shape = architecture.input_shape
    if images.shape[1:] != shape:
        name = architecture.name
        raise BadInput(f"{where}: images are {images.shape[1:]}, {name} reads {shape} (H, W, C)")


def check_channels(architecture: Architecture, stored: Weights, where: str) -> None:
    """Raises BadInput for images of other channels than the weights were trained with."""
    first, channels = architecture.nodes[0], architecture.input_shape[-1]
    kernel = stored.get(f"{first.name}.kernel")
    if first.kind == "conv" and kernel is not None and kernel.ndim == 4:
        wanted = kernel.shape[2] * first["groups"]
        if wanted != channels:
            raise BadInput(
                f"{where}: images have {channels} channels (the last axis), the weights want "
                f"{wanted}; take images or weights of the other kind"
            )


def channels_of(stored: Weights) -> int:
    """Of the images of weights: what the first kernel reads, 0 where that is not known."""
    kernels = (np.shape(array) for name, array in stored.items() if name.endswith(".kernel"))
    shape = next(kernels, ())
    return shape[2] if len(shape) == 4 else 0


def classes_of(architecture: Architecture, stored: Weights) -> int:
    """The number of classes that weights were trained for: the width of the last kernel."""
    last = [node.name for node in architecture.nodes if node.kind in ("dense", "conv")][-1:]
    kernel = stored.get(f"{last[0]}.kernel") if last else None
    return int(kernel.shape[-1]) if kernel is not None and kernel.ndim else architecture.classes


def check_targets(targets: NDArray[Any], n: int, classes: int, where: str) -> NDArray[np.int32]:
    """Targets as int32. Raises BadInput for a wrong length, type or class."""
    if targets.shape != (n,):
        raise BadInput(f"{where}: targets have shape {targets.shape}, {n} images need ({n},)")
    if targets.dtype.kind not in "iu":
        raise BadInput(f"{where}: targets are {targets.dtype}; they must be whole numbers")
    wrong = np.flatnonzero((targets < 0) | (targets >= classes))
    if len(wrong):
        value, index = targets[wrong[0]], wrong[0]
        raise BadInput(f"{where}: target {value} at {index} is not one of 0 to {classes - 1}")
    return targets.astype(np.int32)


def check_writable(path: Path, inputs: Iterable[str | None], out: Path | None = None) -> None:
    """Raises BadInput before the work rather than after it, and where an input would be lost.

    `out`: what the command writes besides.
    """
    with weights.writing(path):
        if not path.parent.is_dir():
            raise BadInput(f"cannot write {path}: no folder {path.parent}; make it or name another")
        for given in filter(None, inputs):
            if path.exists() and Path(given).exists() and path.samefile(given):
                raise BadInput(f"cannot write {path}: it is the input {given}; name another file")
        if out is not None and os.path.realpath(path) == os.path.realpath(out):
            raise BadInput(f"cannot write {path}: it is --out too; name another file")
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"):
            pass
