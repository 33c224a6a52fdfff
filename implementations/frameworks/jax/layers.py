"""The nodes of an architecture in JAX: Flax NNX layers, and functions where nothing is kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from implementations.architecture.graph import Architecture
from implementations.architecture.kinds import KINDS
from implementations.architecture.node import Node
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
    dtype = DTYPES[precision]
    types = {"dtype": dtype, "param_dtype": dtype, "precision": PRODUCTS[precision], "rngs": rngs}
    made = KINDS[node.kind].builder("jax")(node, architecture.shapes[node.inputs[0]], types)
    return made if isinstance(made, nnx.Module) else None


def function(node: Node, inputs: list[Array], relu_rule: str | None) -> Array:
    """The output of a node that has no layer."""
    made = KINDS[node.kind].builder("jax")(node, inputs[0].shape[1:], {})
    if node.kind in ("relu", "relu6"):
        made = rectifier(made, relu_rule)
    return made(*inputs)


@functools.cache
def rectifier(plain: Callable[[Array], Array], rule: str | None) -> Callable[[Array], Array]:
    """A ReLU with its own gradient or the one of a rule (see `Network.with_relu`)."""
    if rule is None:
        return plain

    def backward(pull_back: Callable[[Array], tuple[Array]], gradients: Array) -> tuple[Array]:
        positive = jax.nn.relu(gradients)
        return pull_back(positive) if rule == "guided" else (positive,)

    changed = jax.custom_vjp(plain)
    changed.defvjp(functools.partial(jax.vjp, plain), backward)
    ruled: Callable[[Array], Array] = changed
    return ruled
