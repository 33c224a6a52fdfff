"""Networks in Keras 3, functional and channels last, on the backend that KERAS_BACKEND names.

Set `KERAS_BACKEND` to tensorflow, jax or torch before this is imported, and `JAX_ENABLE_X64=1` for
float64 on JAX. One process has one backend and one device: the GPU where it can see one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import distributions, version
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from implementations.architecture import graph
from implementations.architecture.graph import Architecture
from implementations.architecture.kinds import KINDS
from implementations.architecture.shapes import parameters
from implementations.architecture.weights import check, randomise
from implementations.arrays import Array, Draws, Images, Targets, Weights, kept
from implementations.contract import MODES, PRECISIONS, Compile
from implementations.errors import BadInput, Unavailable, unknown
from implementations.frameworks.keras.backends import BACKEND, NAME
from implementations.frameworks.keras.layers import make
from implementations.frameworks.keras.network import Network
from implementations.frameworks.keras.weights import assign, variable

COLUMNS = {
    "tensorflow": ("keras", "tensorflow"),
    "jax": ("keras", "jax"),
    "torch": ("keras", "torch"),
}

# versions and probe


def versions() -> dict[str, str]:
    """Keras and its backend."""
    names = (NAME, f"{NAME}-cpu")
    found = next(d for d in distributions() if d.metadata["Name"].replace("_", "-") in names)
    return {"keras": version("keras"), NAME: found.version}


def probe(device: str, precision: str, mode: str) -> str | None:
    """Why this cannot be had here, or None. bfloat16 and float64 are found by computing in them."""
    column = f"Keras {version('keras')} on {NAME}"
    gpu = BACKEND.gpu()
    if device == "gpu" and not gpu:
        return f"{column} sees no GPU"
    if device == "cpu" and gpu:
        return f"{column} sees a GPU and would use it: hide it (CUDA_VISIBLE_DEVICES=) for the CPU"
    if mode == "xla" and NAME != "tensorflow":
        return f"xla is a mode of TensorFlow's functions; {column} has eager and compiled"
    if mode == "compiled" and (reason := BACKEND.compiler()):
        return reason
    if precision == "tf32" and not gpu:
        return "tf32 is a mode of NVIDIA GPUs; this is the CPU"
    return _probe_layers(column, precision) if precision in ("bfloat16", "float64") else None


def _probe_layers(column: str, precision: str) -> str | None:
    """Compute a small network that has every layer which quietly computes in another precision."""
    nodes = [
        {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 8, "kernel": 3},
        {"name": "norm1", "kind": "batch_norm", "inputs": "conv1"},
        {"name": "relu1", "kind": "relu", "inputs": "norm1"},
        {"name": "pool1", "kind": "max_pool", "inputs": "relu1", "size": 2, "stride": 2},
        {"name": "gap1", "kind": "global_average_pool", "inputs": "pool1"},
        {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 4},
    ]
    form = {"input_shape": [8, 8, 1], "classes": 4, "nodes": nodes}
    architecture = graph.parse(form, "probe")
    tensors = randomise(architecture, 0)
    images = np.random.default_rng(0).random((4, 8, 8, 1), np.float32)
    try:
        network = _network(architecture, tensors, precision)
        logits = to_numpy(network(put(network, images)))
    except Exception as error:
        return f"{column} has no {precision} here: {str(error).splitlines()[0]}"
    if precision == "bfloat16":
        return None
    expected = images.astype(np.float64)
    for node in architecture.nodes:  # a chain
        own = {
            name.partition(".")[2]: tensor.astype(np.float64)
            for name, tensor in tensors.items()
            if name.startswith(f"{node.name}.")
        }
        expected = KINDS[node.kind].forward(node, own, [expected])
    if logits.dtype != np.float64:
        return f"{column} gives {logits.dtype} where float64 is asked for (JAX: JAX_ENABLE_X64=1)"
    gap = np.abs(logits - expected).max() / np.abs(expected).max()
    if gap > 1e-12:
        return (
            f"{column} computes some layers in float32 and labels them float64 "
            f"(batch norm, means; dense ones too on torch): off by {gap:.0e}"
        )
    return None


# network


def build(architecture: Architecture, weights: Weights, device: str, precision: str) -> Network:
    """A network for inference. Raises BadInput for weights, Unavailable for device or precision."""
    if precision not in PRECISIONS:
        raise BadInput(unknown("precision", precision, PRECISIONS))
    checked = "float32" if precision == "float64" else precision
    if reason := probe(device, checked, "eager"):
        raise Unavailable(reason)
    check(architecture, weights)
    BACKEND.settle(precision)
    return _network(architecture, weights, precision)


def _network(architecture: Architecture, weights: Weights, precision: str) -> Network:
    dtype = "float32" if precision == "tf32" else precision
    shapes = architecture.shapes
    applied = {n.name: make(n, shapes[n.inputs[0]], dtype) for n in architecture.nodes}
    network = Network(architecture, precision, applied)
    assign(network, weights)
    return network


def weights(network: Network) -> dict[str, NDArray[Any]]:
    """The neutral weights: the inverse of `build`."""
    return {
        name: to_numpy(variable(network, name).value) for name in parameters(network.architecture)
    }


# arrays


def put(network: Network, images: Images, targets: Targets | None = None) -> Any:
    """Images (N, H, W, C) in the network's precision, or (images, int32 targets), on the device."""
    # A copy: the backends may otherwise read the caller's own memory.
    held = ops.cast(ops.convert_to_tensor(np.array(images)), network.dtype)
    return held if targets is None else (held, ops.convert_to_tensor(np.array(targets, np.int32)))


def place(network: Network, arrays: Draws) -> dict[str, Array]:
    """Arrays to the device, floats in the network's precision."""
    placed = {name: ops.convert_to_tensor(np.array(array)) for name, array in arrays.items()}
    floats = {name for name, array in arrays.items() if array.dtype.kind == "f"}
    return {
        name: ops.cast(array, network.dtype) if name in floats else array
        for name, array in placed.items()
    }


def to_numpy(array: Array) -> NDArray[Any]:
    """A host copy: float32, or float64 where the array is float64."""
    if keras.backend.standardize_dtype(array.dtype) != "float64":
        array = ops.cast(array, "float32")
    return BACKEND.to_host(array)


def wait(arrays: Any) -> None:
    """Return when these arrays are computed: TensorFlow has no barrier, so it reads them back."""
    BACKEND.wait(arrays)


# compiling


def compiler(network: Network, outputs: Sequence[str], mode: str) -> Compile:
    """Op by op, or by the backend's compiler. Raises Unavailable where it has no such mode.

    The network's variables are arguments of what is compiled: a function is for this network alone.
    """
    if mode not in MODES:
        raise BadInput(unknown("mode", mode, MODES))
    if mode == "xla" and NAME != "tensorflow":
        raise Unavailable(f"xla is a mode of TensorFlow's functions, not of Keras on {NAME}")

    def compile_(function: Callable[..., Any]) -> Callable[..., Any]:
        def restricted(*arrays: Any) -> Any:
            return kept(function(network, *arrays), outputs)

        run = BACKEND.prepare(restricted, network.model.variables, mode)

        def called(given: Network, *arrays: Any) -> Any:
            if given is not network:
                raise RuntimeError("compiled for another network: assign its weights instead")
            return run(*arrays)

        return called

    return compile_


def compilations() -> int:
    """How often a function was traced so far: it must not grow while one is timed."""
    return BACKEND.compilations()
