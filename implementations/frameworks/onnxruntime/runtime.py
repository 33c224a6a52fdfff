"""ONNX Runtime: a network as sessions of our own export, on the CPU, in float32.

Mode `compiled` has its graph optimisations, operators fused and layouts chosen; `eager` runs the
graph op by op as it is written. It differentiates nothing, and its arrays are NumPy's: methods
that need no gradient run their page's NumPy on it, all passes through the network being its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture
from implementations.architecture.weights import check
from implementations.arrays import Array, Draws, Images, Targets, Weights, kept
from implementations.contract import Compile
from implementations.errors import Unavailable
from implementations.frameworks.onnxruntime.network import Network

BESIDE = {"": ("onnxruntime", "onnx")}


# versions and probe


def versions() -> dict[str, str]:
    """Versions of the packages that compute."""
    return {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__}


def probe(device: str, precision: str, mode: str) -> str | None:
    """Why this cannot be had here (what was looked for), or None when it can."""
    if device == "gpu":
        return "this column is of onnxruntime's CPU provider"
    if precision == "float64":
        return "onnxruntime has no float64 convolution on the CPU"
    if precision != "float32":
        return f"onnxruntime's CPU provider has no {precision}"
    if mode not in ("eager", "compiled"):
        return f"onnxruntime has no mode {mode}: its graph optimisations are mode compiled"
    return None


# network


def build(architecture: Architecture, weights: Weights, device: str, precision: str) -> Network:
    """A network for inference. Raises BadInput for other weights, Unavailable for no device."""
    reason = probe(device, precision, "eager")
    if reason:
        raise Unavailable(reason)
    check(architecture, weights)
    return Network(architecture, {name: np.array(a, np.float32) for name, a in weights.items()})


# arrays


def put(network: Network, images: Images, targets: Targets | None = None) -> Any:
    """Images as float32, channels last, or (images, targets)."""
    held = np.ascontiguousarray(images, np.float32)
    return held if targets is None else (held, np.asarray(targets, np.int32))


def place(network: Network, arrays: Draws) -> dict[str, Array]:
    """The arrays themselves, floats as float32."""
    return {
        name: array.astype(np.float32) if array.dtype.kind == "f" else array
        for name, array in arrays.items()
    }


def to_numpy(array: Array) -> NDArray[Any]:
    """A copy: it is on the host, channels last."""
    return np.array(array, order="C", copy=True)


def wait(arrays: Any) -> None:
    """Return at once: a session's run ends when its answer is there."""


# weights


def weights(network: Network) -> dict[str, NDArray[Any]]:
    """The neutral weights of a network: the inverse of `build`."""
    return {name: array.copy() for name, array in network.weights.items()}


# compiling


def compiler(network: Network, outputs: Sequence[str], mode: str) -> Compile:
    """Sessions op by op, or with graph optimisations. Raises Unavailable for another mode.

    Whatever NumPy makes of their answers in float64 is float32 in the end.
    """
    reason = probe("cpu", "float32", mode)
    if reason:
        raise Unavailable(reason)

    def compile_(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(network: Network, *arrays: Any) -> Any:
            answer = kept(function(network.optimising(mode == "compiled"), *arrays), outputs)
            if isinstance(answer, dict):
                return {name: _single(array) for name, array in answer.items()}
            return _single(answer)

        return run

    return compile_


def _single(array: Array) -> Array:
    """Floats as float32."""
    wide = isinstance(array, np.ndarray) and array.dtype == np.float64
    return array.astype(np.float32) if wide else array


def compilations() -> int:
    """How many graphs this process has optimised so far; it must stand still while timed."""
    return Network.optimisations
