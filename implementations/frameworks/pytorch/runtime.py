"""PyTorch: a network as an `nn.Module`, its weights, its arrays, `torch.compile`.

Tensors are NCHW in shape; how they lie in memory is `network.layout`, set explicitly.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import types
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture
from implementations.architecture.shapes import parameters
from implementations.architecture.weights import check
from implementations.arrays import Array, Draws, Images, Targets, Weights, kept
from implementations.contract import Compile
from implementations.errors import Unavailable
from implementations.frameworks.pytorch.layers import layer
from implementations.frameworks.pytorch.network import Network
from implementations.frameworks.pytorch.weights import load, neutral

COLUMNS = {"": ("torch",)}
DTYPES = {
    "float32": torch.float32,
    "tf32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float64": torch.float64,
}


# versions and probe


def versions() -> dict[str, str]:
    """Versions of the packages that compute; `cuda` and `triton` only where they are there."""
    found = {"torch": torch.__version__, "cuda": torch.version.cuda}
    if importlib.util.find_spec("triton"):
        found["triton"] = importlib.metadata.version("triton")
    return {name: str(version) for name, version in found.items() if version}


def probe(device: str, precision: str, mode: str) -> str | None:
    """Why this cannot be had here (what was looked for), or None when it can."""
    if mode == "xla":
        return "PyTorch has no XLA here: torch.compile is its compiler (mode compiled)"
    if device == "gpu" and not torch.cuda.is_available():
        built = (
            f"is built for CUDA {torch.version.cuda}" if torch.version.cuda else "is a CPU build"
        )
        return f"torch.cuda finds no GPU (torch {torch.__version__} {built})"
    if precision == "tf32" and device == "cpu":
        return "TF32 is a mode of NVIDIA GPUs; the device is cpu"
    if precision == "tf32" and torch.cuda.get_device_capability() < (8, 0):
        return "TF32 needs a GPU of compute capability 8.0 or more"
    if precision == "bfloat16" and device == "gpu" and not torch.cuda.is_bf16_supported():
        return "this GPU has no bfloat16 (torch.cuda.is_bf16_supported)"
    return _no_compiler(device) if mode == "compiled" else None


def _no_compiler(device: str) -> str | None:
    with warnings.catch_warnings():
        # Inductor's own import runs deprecated code of torch.jit.
        warnings.simplefilter("ignore", DeprecationWarning)
        importlib.import_module("torch._inductor.compile_fx")
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler
    from torch.utils._triton import has_triton

    if device == "gpu" and not has_triton():
        return "torch.compile needs triton and a GPU that it supports (torch.utils._triton)"
    try:
        get_cpp_compiler()
    except (InvalidCxxCompiler, RuntimeError) as error:
        return f"torch.compile needs a C++ compiler; looked for $CXX, then g++ ({error})"
    return None


# network


def build(architecture: Architecture, weights: Weights, device: str, precision: str) -> Network:
    """A network for inference. Raises BadInput for other weights, Unavailable for no device."""
    reason = probe(device, precision, "eager")
    if reason:
        raise Unavailable(reason)
    check(architecture, weights)
    _set_precision(precision)
    layers = {node.name: layer(node, architecture) for node in architecture.nodes}
    network = Network(architecture, layers, device, precision)
    network.to(_device(device), DTYPES[precision]).eval().requires_grad_(False)
    network.to(memory_format=_memory_format(network))
    load(network, weights)
    return network


def _set_precision(precision: str) -> None:
    tf32 = precision == "tf32"
    with warnings.catch_warnings():
        # Set by these two, the flags' older and newer names agree; some releases advise against.
        warnings.filterwarnings("ignore", message="Please use the new API settings")
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32


def _device(device: str) -> torch.device:
    return torch.device("cuda" if device == "gpu" else "cpu")


def _memory_format(network: Network) -> torch.memory_format:
    formats = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
    return formats[network.layout]


# arrays


def put(network: Network, images: Images, targets: Targets | None = None) -> Any:
    """Images (N, H, W, C) to the device as (N, C, H, W) in the network's layout and precision.

    With targets, (images, targets), these as int64: the type that PyTorch indexes with.
    """
    source = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    # With one channel both layouts describe the same bytes and `contiguous` does nothing, so that
    # kernels chosen by stride run another one than was asked for: copy into strides of our own.
    placed = torch.empty(
        source.shape,
        dtype=DTYPES[network.precision],
        device=_device(network.device),
        memory_format=_memory_format(network),
    ).copy_(source)
    if targets is None:
        return placed
    return placed, torch.from_numpy(np.asarray(targets, np.int64)).to(placed.device)


def place(network: Network, arrays: Draws) -> dict[str, Array]:
    """Arrays to the device, floats in the network's precision, (N, H, W, C) as (N, C, H, W)."""

    def placed(array: NDArray[Any]) -> Array:
        if array.ndim == 4:
            return put(network, array)
        tensor = torch.from_numpy(np.ascontiguousarray(array)).to(_device(network.device))
        return tensor.to(DTYPES[network.precision]) if array.dtype.kind == "f" else tensor

    return {name: placed(array) for name, array in arrays.items()}


def to_numpy(array: Array) -> NDArray[Any]:
    """A host copy, channels last: float32, or float64 where the tensor is float64."""
    tensor = array.detach()
    if tensor.is_floating_point() and tensor.dtype != torch.float64:
        tensor = tensor.float()
    if tensor.ndim == 4:
        tensor = tensor.permute(0, 2, 3, 1)
    return np.array(tensor.cpu().numpy(), order="C", copy=True)


def wait(arrays: Any) -> None:
    """Return when all queued work is computed; on a CPU it already is."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


# weights


def weights(network: Network) -> dict[str, NDArray[Any]]:
    """The neutral weights of a network: the inverse of `build`."""
    arrays: dict[str, NDArray[Any]] = {}
    for name in parameters(network.architecture):
        tensor = neutral(network, name)
        arrays[name] = to_numpy(tensor.flatten()).reshape(tensor.shape)
    return arrays


# compiling


def compiler(network: Network, outputs: Sequence[str], mode: str) -> Compile:
    """Op by op, or through `torch.compile`; a graph break is an error. Raises Unavailable.

    The network is an argument of what is compiled, so no weight is folded in.
    """
    reason = probe(network.device, network.precision, mode)
    if reason:
        raise Unavailable(reason)

    def compile_(function: Callable[..., Any]) -> Callable[..., Any]:
        def restricted(network: Network, *arrays: Any) -> Any:
            return kept(function(network, *arrays), outputs)

        return torch.no_grad()(compiled(restricted) if mode == "compiled" else restricted)  # type: ignore[no-any-return]

    return compile_


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`torch.compile` of one whole graph for fixed shapes, apart from all others' caches."""
    # Dynamo keeps its cache, and its limit of recompilations, by code object: a copy has its own.
    code = function.__code__.replace()
    own = types.FunctionType(code, function.__globals__, closure=function.__closure__)
    # On a GPU it recommends TF32; that it is off is what was asked for.
    warnings.filterwarnings("ignore", message="TensorFloat32 tensor cores")
    run: Callable[..., Any] = torch.compile(own, fullgraph=True, dynamic=False)
    return run


def compilations() -> int:
    """How many graphs this process has compiled so far; it must stand still while timed."""
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])
