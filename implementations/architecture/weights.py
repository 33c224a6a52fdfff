"""The neutral weights: NumPy arrays by name, one safetensors file, the same for every framework."""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture
from implementations.architecture.shapes import parameters
from implementations.arrays import Weights
from implementations.errors import BadInput


def lecun_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A kernel whose deviation is one over the root of its fan-in.

    LeCun et al. 1998, Efficient BackProp, 4.6; Flax' default, there with its tails cut off.
    """
    return generator.normal(0, 1 / math.sqrt(math.prod(shape[:-1])), shape)


def glorot_uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A kernel uniform within the root of 6 / (fan-in + fan-out) of 0.

    Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural
    networks, equation 16; Keras' default. A kernel's fan-out counts its window too.
    """
    window = math.prod(shape[:-2])
    most = math.sqrt(6 / (window * (shape[-2] + shape[-1])))
    return generator.uniform(-most, most, shape)


KERNELS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]] = {
    "lecun_normal": lecun_normal,
    "glorot_uniform": glorot_uniform,
}
"""Distributions that a recipe may draw its first kernels from."""


def initialise(
    architecture: Architecture, seed: int, kernels: str = "lecun_normal"
) -> dict[str, NDArray[np.float32]]:
    """Weights to train from, the kernels drawn from one of `KERNELS`.

    Biases and offsets are zero, scales and variances one.
    """
    draw = KERNELS[kernels]
    generator = np.random.default_rng(seed)
    weights: dict[str, NDArray[np.float32]] = {}
    for name, shape in parameters(architecture).items():
        if name.endswith(".kernel"):
            weights[name] = draw(generator, shape).astype(np.float32)
        else:
            fill = 1.0 if name.endswith((".scale", ".variance")) else 0.0
            weights[name] = np.full(shape, fill, np.float32)
    return weights


def randomise(architecture: Architecture, seed: int) -> dict[str, NDArray[np.float32]]:
    """Weights to test with: every tensor random, biases and statistics too, so none goes unseen."""
    generator = np.random.default_rng(seed)
    weights: dict[str, NDArray[np.float32]] = {}
    for name, shape in parameters(architecture).items():
        if name.endswith(".kernel"):
            deviation = math.sqrt(2 / math.prod(shape[:-1]))
            values = generator.normal(0, deviation, shape)
        elif name.endswith((".scale", ".variance")):
            values = generator.uniform(0.5, 1.5, shape)
        else:
            values = generator.normal(0, 0.1, shape)
        weights[name] = values.astype(np.float32)
    return weights


def check(architecture: Architecture, weights: Weights, where: str = "weights") -> None:
    """Every tensor of the architecture, of its shape, and no other. Raises BadInput naming it."""
    expected = parameters(architecture)
    for name, shape in expected.items():
        if name not in weights:
            raise BadInput(
                f"{where}: no tensor {name!r}, which {architecture.name} needs; "
                "these are the weights of another architecture"
            )
        if weights[name].shape != shape:
            raise BadInput(
                f"{where}: tensor {name!r} is {weights[name].shape}, {architecture.name} needs "
                f"{shape}; these are the weights of another architecture"
            )
        if weights[name].dtype.kind != "f":
            raise BadInput(
                f"{where}: tensor {name!r} is {weights[name].dtype}; save the weights as float32"
            )
        if not np.isfinite(weights[name]).all():
            raise BadInput(f"{where}: tensor {name!r} has values that are not finite")
    for name in weights:
        if name not in expected:
            raise BadInput(f"{where}: tensor {name!r} belongs to no node of {architecture.name}")


def digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Twelve hexadecimal digits that stand for these arrays: names, types, shapes and bytes."""
    sha = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        sha.update(f"{name}:{array.dtype}:{array.shape};".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()[:12]


def save(
    path: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file under a temporary name and move it into place. Raises BadInput."""
    from safetensors.numpy import save as serialise

    # Not `ascontiguousarray`, which makes a vector of a scalar: an optimiser's step is one.
    tensors = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    write_bytes(path, serialise(tensors, dict(about or {})))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises BadInput where the place cannot be written."""
    with writing(path):
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".tmp", delete=False
        ) as stream:
            temporary = Path(stream.name)
        try:
            temporary.write_bytes(content)
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raises BadInput where no file can be put at a path, or what is there is no regular file."""
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "a pipe or a device"
            raise BadInput(f"cannot write {path}: it is {what}; name a file")
        yield
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}; name another place") from error


def about(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself; nothing where there is no such file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return {}


def load(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file. Raises BadInput for a missing or broken one."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays: dict[str, NDArray[Any]] = load_file(path)
    except FileNotFoundError:
        raise BadInput(f"no file {path}; make one with `python -m bench train`") from None
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} is not a readable safetensors file ({error})") from error
    return arrays
