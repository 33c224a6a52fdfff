"""JAX with Flax NNX. Images, activations and heatmaps are (N, H, W, C) and (N, H, W) jax.Arrays."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture, Node, cut
from implementations.architecture.shapes import parameters
from implementations.architecture.weights import check
from implementations.arrays import Array, Images, Stages, Targets, Weights
from implementations.contract import RELU_RULES, SCORES, Explain
from implementations.errors import BadInput, Unavailable, unknown
from implementations.frameworks.jax.layers import DTYPES, PRODUCTS, function, layer

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


class Network(nnx.Module):  # type: ignore[misc]  # flax's classes are untyped here
    """An architecture with weights: NNX layers by node name, run in the order of the graph.

    A pytree: its arrays are the weights, all else is static, so `jax.jit` takes it as an argument.
    """

    def __init__(
        self, architecture: Architecture, device: jax.Device, precision: str, rngs: nnx.Rngs
    ) -> None:
        self.architecture = architecture
        self.device = device
        self.precision = precision
        self.relu_rule: str | None = None
        made = {n.name: layer(architecture, n, precision, rngs) for n in architecture.nodes}
        self.layers = nnx.Dict({name: made[name] for name in made if made[name] is not None})

    def __call__(self, images: Array, rngs: nnx.Rngs | None = None) -> Array:
        """Logits (N, K) of images (N, H, W, C); `rngs` draws the dropout in training."""
        values = self._run(self.architecture.nodes, {"input": images}, rngs)
        return values[self.architecture.output]

    def features(self, layer: str, images: Array) -> tuple[Array, dict[str, Array]]:
        """Activations (N, h, w, c) at the layer, and what else `head` reads."""
        parts = cut(self.architecture, layer)
        values = self._run(parts.features, {"input": images})
        return values[layer], {name: values[name] for name in parts.rest}

    def head(self, layer: str, activations: Array, rest: dict[str, Array]) -> Array:
        """Logits (N, K) from the activations at the layer."""
        nodes = cut(self.architecture, layer).head
        values = self._run(nodes, {**rest, layer: activations})
        return values[self.architecture.output]

    def score(self, name: str, logits: Array, targets: Array) -> Array:
        """Per-image score (N,) of the target class, sound where the softmax saturates."""
        if name not in SCORES:
            raise BadInput(unknown("score", name, SCORES))
        target = jnp.take_along_axis(logits, targets[:, None], axis=-1)[:, 0]
        if name == "logit":
            return target
        chosen = jax.nn.one_hot(targets, logits.shape[-1], dtype=bool)
        others = jax.nn.logsumexp(jnp.where(chosen, -jnp.inf, logits), axis=-1)
        log_probability = jax.nn.log_sigmoid(target - others)
        return log_probability if name == "log_probability" else jnp.exp(log_probability)

    def kernel(self, node: str) -> Array:
        """The kernel (in, out) of a dense node."""
        return self.layers[node].kernel[...]

    def with_relu(self, rule: str) -> Network:
        """The same weights behind ReLUs with the backward pass `guided` or `deconvolution`."""
        if rule not in RELU_RULES:
            raise BadInput(unknown("ReLU rule", rule, RELU_RULES))
        network: Network = jax.tree.map(lambda array: array, self)
        network.relu_rule = rule
        return network

    def _run(
        self, nodes: Iterable[Node], values: dict[str, Array], rngs: nnx.Rngs | None = None
    ) -> dict[str, Array]:
        for node in nodes:
            inputs = [values[name] for name in node.inputs]
            if node.kind == "dropout":
                values[node.name] = self.layers[node.name](*inputs, rngs=rngs)
            elif node.name in self.layers:
                values[node.name] = self.layers[node.name](*inputs)
            else:
                values[node.name] = function(node, inputs, self.relu_rule)
        return values


# arrays


def put(network: Network, images: Images, targets: Targets | None = None) -> Any:
    """Arrays to the network's device, images in its precision: images, or (images, targets)."""
    placed = jax.device_put(np.asarray(images, DTYPES[network.precision]), network.device)
    if targets is None:
        return placed
    return placed, jax.device_put(np.asarray(targets, np.int32), network.device)


def to_numpy(array: Array) -> NDArray[Any]:
    """A host copy: float32, or float64 where the array is float64; integers stay as they are."""
    host: NDArray[Any] = np.array(array)
    return host.astype(np.float32) if host.dtype == jnp.bfloat16 else host


def wait(arrays: Any) -> None:
    """Return when these arrays, and all work queued before them, are computed."""
    jax.block_until_ready(arrays)


def resize(heatmap: Array, size: tuple[int, int]) -> Array:
    """Bilinear, half-pixel centres, no antialias: (N, h, w) to (N, H, W)."""
    return jax.image.resize(heatmap, (heatmap.shape[0], *size), "bilinear", antialias=False)


# weights

# HWIO and (in, out) kernels: Flax has the neutral layout.
ATTRIBUTES = {
    "kernel": "kernel", "bias": "bias",
    "scale": "scale", "offset": "bias", "mean": "mean", "variance": "var",
}  # fmt: skip
"""Part of a neutral name -> attribute of the NNX layer."""


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
    return filled(network, arrays)


def filled(network: Network, arrays: Mapping[str, Array]) -> Network:
    """The same network around these arrays, by neutral name."""
    copy: Network = jax.tree.map(lambda array: array, network)
    for name, variable in variables(copy).items():
        variable.set_value(arrays[name])
    return copy


def variables(network: Network) -> dict[str, nnx.Variable[Any]]:
    """The NNX variable of every tensor of the neutral weights."""
    split = {name: name.split(".") for name in parameters(network.architecture)}
    layers = network.layers
    return {
        name: getattr(layers[node], ATTRIBUTES.get(part, part))
        for name, (node, part) in split.items()
    }


def weights(network: Network) -> dict[str, NDArray[Any]]:
    """The neutral weights of a network: the inverse of `build`."""
    return {name: to_numpy(variable[...]) for name, variable in variables(network).items()}


# compiling

_traces: Counter[str] = Counter()


def prepare(
    network: Network, explain: Explain, outputs: Sequence[str], mode: str
) -> Callable[[Array, Array], Stages]:
    """`explain` restricted to those of the outputs that it has, op by op or behind `jax.jit`.

    The network is taken apart once: an NNX module costs jit up to 0.5 ms a call in Python.
    """
    leaves, structure = jax.tree.flatten(network)

    def restricted(leaves: list[Array], images: Array, targets: Array) -> Stages:
        _traces[mode] += 1  # in mode compiled this runs while it is traced, once a compilation
        with jax.default_matmul_precision(PRODUCTS[network.precision]):
            stages = explain(jax.tree.unflatten(structure, leaves), images, targets)
        return {name: stages[name] for name in outputs if name in stages}

    return functools.partial(jax.jit(restricted) if mode == "compiled" else restricted, leaves)


def compilations() -> int:
    """How many times a prepared function has been traced and compiled in this process."""
    return _traces["compiled"]
