"""The neutral weights: NumPy arrays by name, one safetensors file, the same for every framework."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture import tensor_file
from implementations.architecture.graph import Architecture
from implementations.architecture.shapes import parameters
from implementations.arrays import Weights
from implementations.errors import BadInput, one_line
from implementations.files import discard as discard
from implementations.files import open_plain, recognise, replacing
from implementations.files import write_bytes as write_bytes
from implementations.files import writing as writing

ANOTHER = "these are the weights of another architecture"
"""Ends the line about weights that do not fit."""
MOST_BYTES = 1 << 36
"""Bytes of the largest file of arrays that is read: 64 GiB, kept heatmaps and all."""
READABLE = frozenset(
    ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"]
)
"""Types of a safetensors file that become a NumPy array."""


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
    if not weights and expected:
        raise BadInput(f"{where}: the file holds no tensor; save the weights again")
    for name, shape in expected.items():
        if name not in weights:
            raise BadInput(
                f"{where}: no tensor {name!r}, which {architecture.name} needs; {ANOTHER}"
            )
        given = weights[name].shape
        if given != shape:
            mend = ANOTHER
            if name.endswith(".kernel") and given == _in_pytorch(shape):
                order = "2, 3, 1, 0" if len(shape) == 4 else "1, 0"
                mend = f"this is PyTorch's layout: save kernel.transpose({order})"
            raise BadInput(
                f"{where}: tensor {name!r} is {given}, {architecture.name} needs {shape}; {mend}"
            )
        if weights[name].dtype.kind != "f":
            raise BadInput(
                f"{where}: tensor {name!r} is {weights[name].dtype}; save the weights as float32"
            )
        if not np.isfinite(weights[name]).all():
            raise BadInput(
                f"{where}: tensor {name!r} has values that are not finite; train or save it again"
            )
        if name.endswith(".variance") and (weights[name] < 0).any():
            raise BadInput(f"{where}: tensor {name!r} has negative variances; save it again")
    for name in weights:
        if name not in expected:
            raise BadInput(f"{where}: tensor {name!r} belongs to no node of {architecture.name}")


def _in_pytorch(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A kernel's shape there: (out, in, ...window) where ours is (...window, in, out)."""
    return (*shape[:-3:-1], *shape[:-2])


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
    with replacing(path) as stream:
        tensor_file.write(stream, arrays, about or {})


def about(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself; nothing where there is no such file."""
    from safetensors import SafetensorError, safe_open

    try:
        open_plain(path, MOST_BYTES).close()
        with safe_open(path, "numpy") as file:
            return dict(file.metadata() or {})
    except (BadInput, OSError, SafetensorError):
        return {}


def load(
    path: Path, only: Collection[str] | None = None, most_bytes: int = MOST_BYTES
) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, or those of them that `only` names.

    bfloat16, which NumPy has not, becomes float32 without loss. Raises BadInput for a file that is
    missing, broken, of another format or has a type that NumPy cannot hold.
    """
    from safetensors import SafetensorError, deserialize, safe_open

    with open_plain(path, most_bytes, "safetensors file") as stream:
        known = recognise(stream.read(64))
    try:
        with safe_open(path, "numpy") as file:
            types = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
            wanted = [name for name in types if only is None or name in only]
            strange = next((name for name in wanted if types[name] not in READABLE), None)
            if strange is not None:
                raise BadInput(
                    f"{path}: tensor {strange!r} is {types[strange]}, which NumPy cannot hold; "
                    "save it as float32"
                )
            arrays = {name: file.get_tensor(name) for name in wanted if types[name] != "BF16"}
        if len(arrays) < len(wanted):
            for name, tensor in deserialize(path.read_bytes()):  # type: ignore[no-untyped-call]
                if name in wanted and name not in arrays:
                    half = np.frombuffer(tensor["data"], "<u2").astype("<u4")
                    arrays[name] = (half << 16).view("<f4").reshape(tensor["shape"])
        return arrays
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        told = f"it is {known}" if known else str(error)
        raise BadInput(one_line(f"{path} is not a readable safetensors file: {told}")) from error


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of a sound safetensors file's arrays, of which none is read."""
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
