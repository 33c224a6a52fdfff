"""The oracle: networks in float64 NumPy, every backward pass derived by hand. Never timed.

It stands where a framework's module stands and has the same functions, so that a method's
`reference` builder runs like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture
from implementations.architecture.weights import check
from implementations.arrays import Draws, Floats, Images, Targets, Weights, kept
from implementations.contract import Compile
from implementations.errors import Unavailable
from implementations.oracle.network import Reference


def versions() -> dict[str, str]:
    """The version of NumPy."""
    return {"numpy": np.__version__}


def probe(device: str, precision: str, mode: str) -> str | None:
    """Why this cannot be had, or None: the oracle is eager float64 on the CPU and nothing else."""
    given = {"cpu": device, "float64": precision, "eager": mode}
    wrong = [f"{has}, not {asked}" for has, asked in given.items() if has != asked]
    return f"the reference is {' and '.join(wrong)}" if wrong else None


def build(
    architecture: Architecture, weights: Weights, device: str = "cpu", precision: str = "float64"
) -> Reference:
    """A network from neutral weights of any float type. Raises BadInput and Unavailable."""
    reason = probe(device, precision, "eager")
    if reason:
        raise Unavailable(reason)
    check(architecture, weights)
    tensors = {name: np.array(value, np.float64) for name, value in weights.items()}
    return Reference(architecture, tensors, "")


def weights(network: Reference) -> dict[str, Floats]:
    """The neutral weights of a network, float64."""
    return dict(network.tensors)


def put(network: Reference, images: Images, targets: Targets | None = None) -> Any:
    """Images as float64, or (images, targets)."""
    held = np.asarray(images, np.float64)
    return held if targets is None else (held, np.asarray(targets, np.int32))


def to_numpy(array: NDArray[Any]) -> NDArray[Any]:
    """The array: it is on the host, channels last, float64."""
    return np.asarray(array)


def wait(arrays: Any) -> None:
    """Return at once: NumPy queues nothing."""


def place(network: Reference, arrays: Draws) -> dict[str, NDArray[Any]]:
    """The arrays themselves, floats as float64."""
    return {
        name: array.astype(np.float64) if array.dtype.kind == "f" else array
        for name, array in arrays.items()
    }


def compiler(network: Reference, outputs: Sequence[str], mode: str = "eager") -> Compile:
    """Functions as they are: nothing is compiled. Raises Unavailable for another mode."""
    reason = probe("cpu", "float64", mode)
    if reason:
        raise Unavailable(reason)
    return lambda function: lambda *arrays: kept(function(*arrays), outputs)
