"""JAX with Flax NNX. Images, activations and heatmaps are (N, H, W, C) and (N, H, W) jax.Arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture
from implementations.architecture.weights import check
from implementations.arrays import Array, Draws, Images, Targets, Weights, kept
from implementations.contract import Compile
from implementations.errors import Unavailable
from implementations.frameworks.jax.layers import DTYPES, PRODUCTS
from implementations.frameworks.jax.network import Network
from implementations.frameworks.jax.weights import filled, variables

COLUMNS = {"": ("jax", "flax", "optax")}

# versions and probe


def versions() -> dict[str, str]:
    """Versions of the packages that compute, the accelerator's plugin among them."""
    plugins = (d.name for d in metadata.distributions() if d.name.startswith("jax-cuda"))
    return {n: metadata.version(n) for n in ("jax", "jaxlib", "flax", "optax", *sorted(plugins))}


def probe(device: str, precision: str, mode: str) -> str | None:
    """Why this cannot be had here (what was looked for), or None when it can."""
    try:
        found = jax.devices(device)[0]
    except RuntimeError as error:
        return f"JAX {jax.__version__} has no {device} device here ({error})"
    if precision == "float64" and not jax.config.jax_enable_x64:
        return "JAX computes in float32 unless JAX_ENABLE_X64=1 is set before it is imported"
    capability = float(getattr(found, "compute_capability", 0))
    if precision == "tf32" and capability < 8:
        return f"TF32 needs an NVIDIA GPU of compute capability 8.0 or more, not {found}"
    if mode == "xla":
        return "jax.jit always compiles with XLA: that is the mode called compiled"
    return None


# network


def build(architecture: Architecture, weights: Weights, device: str, precision: str) -> Network:
    """A network for inference. Raises Unavailable, or BadInput for weights that do not fit."""
    reason = probe(device, precision, "eager")
    if reason:
        raise Unavailable(reason)
    check(architecture, weights)
    place, dtype = jax.devices(device)[0], DTYPES[precision]
    # Only shapes, for the values come next: initialising them eagerly takes seconds.
    network = nnx.eval_shape(lambda: Network(architecture, place, precision, nnx.Rngs(0)))
    arrays = {name: jax.device_put(np.asarray(w, dtype), place) for name, w in weights.items()}
    built: Network = filled(network, arrays)
    return built


def weights(network: Network) -> dict[str, NDArray[Any]]:
    """The neutral weights of a network: the inverse of `build`."""
    return {name: to_numpy(variable[...]) for name, variable in variables(network).items()}


# arrays


def put(network: Network, images: Images, targets: Targets | None = None) -> Any:
    """Arrays to the network's device, images in its precision: images, or (images, targets)."""
    placed = jax.device_put(np.asarray(images, DTYPES[network.precision]), network.device)
    if targets is None:
        return placed
    return placed, jax.device_put(np.asarray(targets, np.int32), network.device)


def place(network: Network, arrays: Draws) -> dict[str, Array]:
    """Arrays to the network's device, floats in its precision."""
    return {
        name: jax.device_put(
            array.astype(DTYPES[network.precision]) if array.dtype.kind == "f" else array,
            network.device,
        )
        for name, array in arrays.items()
    }


def to_numpy(array: Array) -> NDArray[Any]:
    """A host copy: float32, or float64 where the array is float64; integers stay as they are."""
    host: NDArray[Any] = np.array(array)
    return host.astype(np.float32) if host.dtype == jnp.bfloat16 else host


def wait(arrays: Any) -> None:
    """Return when these arrays, and all work queued before them, are computed."""
    jax.block_until_ready(arrays)


# compiling

_traces: Counter[str] = Counter()


def compiler(network: Network, outputs: Sequence[str], mode: str) -> Compile:
    """Op by op, or behind `jax.jit`, at the network's precision of products.

    The network is taken apart once: an NNX module costs jit up to 0.5 ms a call in Python.
    """
    bound, structure = jax.tree.flatten(network)
    products = PRODUCTS[network.precision]

    def compile_(function: Callable[..., Any]) -> Callable[..., Any]:
        def restricted(leaves: list[Array], *arrays: Any) -> Any:
            _traces[mode] += 1  # in mode compiled this runs while it is traced, once a compilation
            with jax.default_matmul_precision(products):
                return kept(function(jax.tree.unflatten(structure, leaves), *arrays), outputs)

        run = jax.jit(restricted) if mode == "compiled" else restricted

        def called(other: Network, *arrays: Any) -> Any:
            return run(bound if other is network else jax.tree.leaves(other), *arrays)

        return called

    return compile_


def compilations() -> int:
    """How many times a function has been traced and compiled in this process."""
    return _traces["compiled"]
