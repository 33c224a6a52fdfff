"""What a user gives: files read and checked before any work is done with them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import MAGIC_PREFIX
from numpy.typing import NDArray

from implementations.architecture import weights
from implementations.architecture.graph import Architecture
from implementations.arrays import Weights
from implementations.errors import BadInput

ARCHIVE = b"PK"
"""How a file of several arrays begins."""


def read_array(path: Path, what: str) -> NDArray[Any]:
    """A memory-mapped .npy array. Raises BadInput for a missing, broken or object file."""
    try:
        with path.open("rb") as stream:
            if not stream.read(6).startswith((MAGIC_PREFIX, ARCHIVE)):
                raise ValueError("it is no file of NumPy's; numpy.save makes one")
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("it is an archive; save one array with numpy.save")
        return array
    except FileNotFoundError:
        raise BadInput(f"no {what} file {path}") from None
    except (OSError, ValueError, EOFError) as error:
        text = str(error)
        if "Python objects" in text:
            raise BadInput(
                f"{path}: an object array; save {what} as one rectangular numeric array"
            ) from error
        raise BadInput(f"{path} is not a readable .npy file of {what}: {text}") from error


def check_images(images: NDArray[Any], architecture: Architecture, where: str) -> None:
    """Raises BadInput for images that the architecture cannot read, or out of [0, 1]."""
    shape = architecture.input_shape
    if images.ndim != 4:
        raise BadInput(f"{where}: images have shape {images.shape}; they must be (N, H, W, C)")
    if images.shape[1:] != shape:
        name = architecture.name
        raise BadInput(f"{where}: images are {images.shape[1:]}, {name} reads {shape} (H, W, C)")
    if not len(images):
        raise BadInput(f"{where}: the batch is empty; give at least one image")
    if images.dtype != np.float32:
        raise BadInput(f"{where}: images are {images.dtype}; they must be float32 in [0, 1]")
    for start in range(0, len(images), 1024):
        part = images[start : start + 1024]
        bad = ~((part >= 0) & (part <= 1))
        if bad.any():
            place = np.argwhere(bad)[0]
            value = part[tuple(place)]
            index = (start + int(place[0]), *(int(i) for i in place[1:]))
            raise BadInput(f"{where}: value {value} at {index} is not in [0, 1]; scale the images")


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


def check_writable(path: Path, inputs: Iterable[str | None]) -> None:
    """Raises BadInput before the work rather than after it, and where an input would be lost."""
    with weights.writing(path):
        if not path.parent.is_dir():
            raise BadInput(f"cannot write {path}: no folder {path.parent}; make it or name another")
        for given in filter(None, inputs):
            if path.exists() and Path(given).exists() and path.samefile(given):
                raise BadInput(f"cannot write {path}: it is the input {given}; name another file")
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"):
            pass
