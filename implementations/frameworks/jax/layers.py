"""The nodes of an architecture in JAX: Flax NNX layers, and functions where nothing is kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from implementations.architecture.graph import Architecture, Node
from implementations.architecture.shapes import window
from implementations.arrays import Array

DTYPES = {
    "float32": jnp.float32,
    "tf32": jnp.float32,
    "bfloat16": jnp.bfloat16,
    "float64": jnp.float64,
}
PRODUCTS = {
    "float32": "highest",  # anything less is TF32 on a GPU
    "tf32": "tensorfloat32",
    "bfloat16": "default",
    "float64": "highest",
}
"""Precision -> what JAX calls that of its matrix products and convolutions."""


def layer(architecture: Architecture, node: Node, precision: str, rngs: nnx.Rngs) -> Any:
    """The NNX layer of a node with weights or randomness, else None. Every default is written."""
    channels = architecture.shapes[node.inputs[0]][-1]
    dtype = DTYPES[precision]
    types = {"dtype": dtype, "param_dtype": dtype, "rngs": rngs}
    match node.kind:
        case "conv":
            over = window(node, architecture.shapes[node.inputs[0]])
            return nnx.Conv(
                channels,
                node["filters"],
                over.kernel,
                strides=over.stride,
                padding=over.pads,
                kernel_dilation=over.dilation,
                feature_group_count=node["groups"],
                use_bias=node["bias"],
                precision=PRODUCTS[precision],
                **types,
            )
        case "dense":
            return nnx.Linear(
                channels,
                node["units"],
                use_bias=node["bias"],
                precision=PRODUCTS[precision],
                **types,
            )
        case "batch_norm":
            return nnx.BatchNorm(
                channels,
                use_running_average=True,
                momentum=node["momentum"],
                epsilon=node["epsilon"],
                use_fast_variance=False,  # mean(x^2) - mean(x)^2 cancels
                **types,
            )
        case "dropout":
            return nnx.Dropout(node["rate"], deterministic=True)
    return None


def function(node: Node, inputs: list[Array], relu_rule: str | None) -> Array:
    """The output of a node that has no layer."""
    x = inputs[0]
    match node.kind:
        case "relu" | "relu6":
            return rectifier(node.kind, relu_rule)(x)
        case "max_pool":
            over = window(node, x.shape[1:])
            return nnx.max_pool(x, over.kernel, over.stride, over.pads)
        case "average_pool":
            return _average_pool(node, x)
        case "global_average_pool":
            return x.mean(axis=(1, 2))
        case "flatten":
            return x.reshape(x.shape[0], -1)
        case "add":
            return functools.reduce(jnp.add, inputs)
        case "concat":
            return jnp.concatenate(inputs, axis=-1)
        case "pad":
            return jnp.pad(x, ((0, 0), *node["spatial"], node["channels"]))
        case "normalise":
            x = x if node["order"] is None else x[..., jnp.array(node["order"])]
            mean, deviation = jnp.array([node["mean"], node["deviation"]], x.dtype)
            return (x - mean) / deviation
    raise NotImplementedError(f"nodes of kind {node.kind!r} have no JAX form")


def _average_pool(node: Node, x: Array) -> Array:
    over = window(node, x.shape[1:])
    pads: tuple[tuple[int, int], ...] = over.pads
    if node["count_padding"]:
        # Zeros of the image's own from here on; the cells that ceil rounding adds never count.
        named = {"same": over.pads, "valid": ((0, 0), (0, 0))}
        given = named[node["padding"]] if isinstance(node["padding"], str) else node["padding"]
        x = jnp.pad(x, ((0, 0), *given, (0, 0)))
        pads = tuple((0, end - counted) for (_, end), (_, counted) in zip(pads, given, strict=True))
    average = nnx.avg_pool(x, over.kernel, over.stride, pads, count_include_pad=False)
    return average.astype(x.dtype)


@functools.cache
def rectifier(kind: str, rule: str | None) -> Callable[[Array], Array]:
    """ReLU or ReLU6, with its own gradient or the one of a rule (see `Network.with_relu`)."""
    plain: Callable[[Array], Array] = jax.nn.relu if kind == "relu" else jax.nn.relu6
    if rule is None:
        return plain

    def backward(pull_back: Callable[[Array], tuple[Array]], gradients: Array) -> tuple[Array]:
        positive = jax.nn.relu(gradients)
        return pull_back(positive) if rule == "guided" else (positive,)

    changed = jax.custom_vjp(plain)
    changed.defvjp(functools.partial(jax.vjp, plain), backward)
    ruled: Callable[[Array], Array] = changed
    return ruled
