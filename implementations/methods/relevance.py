"""The rules of layer-wise relevance propagation, which `gradient/lrp.py` spells out, as gradients.

Relevance is a gradient: a node is a function of its own value
whose derivative hands relevance back. With stop(a) a constant, that of stop(a) (1 + (a - stop(a)))
is a itself; and z - stop(z), which is 0, over a y that is held has z's derivative over y. A y of 0
hands nothing back: infinity stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from implementations.architecture.node import Node
from implementations.arrays import Array
from implementations.contract import KerasNetwork, Network, NodeFunction, Options
from implementations.methods.folding import STATISTICS, folded, rectified

SIGNS: dict[str, dict[int, float]] = {
    "epsilon_plus": {1: 1.0}, "epsilon": {}, "alpha2_beta1": {1: 2.0, -1: -1.0},
}  # fmt: skip
"""Composite -> the factor of a convolution's rule, as it stands and with the signs exchanged."""
SHARED, ROUTED = ("add", "average_pool", "global_average_pool"), ("relu", "relu6")
OWN = ("channels", "concat", "crop", "dropout", "flatten", "max_pool", "pad")
"""Kinds whose own gradient hands relevance on."""
RULED = (*SHARED, *ROUTED, *OWN, "batch_norm", "conv", "dense", "normalise")


def jax(network: Network, options: Options) -> Mapping[str, NodeFunction]:
    """Kind of node -> the function whose derivative is its rule."""
    import jax
    import jax.numpy as jnp

    stop, norms = jax.lax.stop_gradient, folded(network.architecture)
    positive = rectified(network.architecture)

    def weighed(a: Array, part: Array) -> Array:
        return stop(part) * (1 + (a - stop(a)))

    def over(z: Array, y: Array) -> Array:
        return (z - stop(z)) / stop(jnp.where(y == 0, jnp.inf, y))

    def affine(network: Network, norm: Node) -> tuple[Array, Array]:
        scale, offset, mean, variance = (network.tensor(f"{norm.name}.{p}") for p in STATISTICS)
        factor = scale / jnp.sqrt(variance + norm["epsilon"])
        return factor, offset - mean * factor

    def weights(network: Network, node: Node) -> tuple[Array, Array]:
        kernel = network.tensor(f"{node.name}.kernel")
        bias = network.tensor(f"{node.name}.bias") if node["bias"] else jnp.zeros(1, kernel.dtype)
        if node.name in norms:
            factor, shift = affine(network, norms[node.name])
            kernel, bias = kernel * factor, bias * factor + shift
        return kernel, bias * options.bias

    def linear(network: Network, node: Node, inputs: list[Array]) -> Array:
        a = weighed(inputs[0], inputs[0])
        made = z = y = network.apply(node, [a])
        if node.name in norms or not options.bias:
            kernel, bias = weights(network, node)
            z = network.apply(node, [a], kernel)
            y = z + bias
        return stop(made) + over(z, jnp.where(y < 0, y - options.epsilon, y + options.epsilon))

    def conv(network: Network, node: Node, inputs: list[Array]) -> Array:
        (kernel, bias), a = weights(network, node), inputs[0]
        made = stop(network.apply(node, inputs))
        for sign, factor in SIGNS[options.composite].items():
            kernels = (jnp.maximum(kernel, 0), jnp.minimum(kernel, 0))[::sign]
            z = network.apply(node, [weighed(a, jnp.maximum(a, 0))], kernels[0])
            if node.inputs[0] not in positive:
                z = z + network.apply(node, [weighed(a, jnp.minimum(a, 0))], kernels[1])
            y = z + (jnp.maximum(bias, 0) if sign > 0 else jnp.minimum(bias, 0))
            made = made + factor * over(z, y)
        return made

    def average(network: Network, node: Node, inputs: list[Array]) -> Array:
        y = network.apply(node, [weighed(a, a) for a in inputs])
        return stop(y) + over(y, y)

    def routed(network: Network, node: Node, inputs: list[Array]) -> Array:
        return stop(network.apply(node, inputs)) + (inputs[0] - stop(inputs[0]))

    def norm(network: Network, node: Node, inputs: list[Array]) -> Array:
        if node in norms.values():
            return routed(network, node, inputs)
        y = network.apply(node, [weighed(inputs[0], inputs[0])])
        return stop(y) + over(y, y if options.bias else inputs[0] * affine(network, node)[0])

    def normalise(network: Network, node: Node, inputs: list[Array]) -> Array:
        y = network.apply(node, inputs)
        return stop(y) + (y - stop(y)) * jnp.asarray(node["deviation"], y.dtype)

    return {
        **dict.fromkeys(ROUTED, routed), **dict.fromkeys(SHARED, average),
        "batch_norm": norm, "normalise": normalise, "dense": linear,
        "conv": conv if SIGNS[options.composite] else linear,
    }  # fmt: skip


def pytorch(network: Network, options: Options) -> Mapping[str, NodeFunction]:
    """Kind of node -> the function whose derivative is its rule."""
    import torch

    stop, norms = torch.Tensor.detach, folded(network.architecture)
    positive = rectified(network.architecture)

    def column(vector: Array, like: Array) -> Array:
        return vector[:, None, None] if like.ndim == 4 else vector

    def weighed(a: Array, part: Array) -> Array:
        return stop(part) * (1 + (a - stop(a)))

    def over(z: Array, y: Array) -> Array:
        return (z - stop(z)) / stop(torch.where(y == 0, torch.inf, y))

    def affine(network: Network, norm: Node) -> tuple[Array, Array]:
        scale, offset, mean, variance = (network.tensor(f"{norm.name}.{p}") for p in STATISTICS)
        factor = scale / torch.sqrt(variance + norm["epsilon"])
        return factor, offset - mean * factor

    def weights(network: Network, node: Node) -> tuple[Array, Array]:
        kernel = network.tensor(f"{node.name}.kernel")
        bias = network.tensor(f"{node.name}.bias") if node["bias"] else kernel.new_zeros(1)
        if node.name in norms:
            factor, shift = affine(network, norms[node.name])
            kernel, bias = kernel * factor, bias * factor + shift
        return kernel, bias * options.bias

    def linear(network: Network, node: Node, inputs: list[Array]) -> Array:
        a = weighed(inputs[0], inputs[0])
        made = z = y = network.apply(node, [a])
        if node.name in norms or not options.bias:
            kernel, bias = weights(network, node)
            z = network.apply(node, [a], kernel)
            y = z + column(bias, z)
        return stop(made) + over(z, torch.where(y < 0, y - options.epsilon, y + options.epsilon))

    def conv(network: Network, node: Node, inputs: list[Array]) -> Array:
        (kernel, bias), a = weights(network, node), inputs[0]
        made = stop(network.apply(node, inputs))
        for sign, factor in SIGNS[options.composite].items():
            kernels = (kernel.clamp(min=0), kernel.clamp(max=0))[::sign]
            z = network.apply(node, [weighed(a, a.clamp(min=0))], kernels[0])
            if node.inputs[0] not in positive:
                z = z + network.apply(node, [weighed(a, a.clamp(max=0))], kernels[1])
            y = z + column(bias.clamp(min=0) if sign > 0 else bias.clamp(max=0), z)
            made = made + factor * over(z, y)
        return made

    def average(network: Network, node: Node, inputs: list[Array]) -> Array:
        y = network.apply(node, [weighed(a, a) for a in inputs])
        return stop(y) + over(y, y)

    def routed(network: Network, node: Node, inputs: list[Array]) -> Array:
        return stop(network.apply(node, inputs)) + (inputs[0] - stop(inputs[0]))

    def norm(network: Network, node: Node, inputs: list[Array]) -> Array:
        if node in norms.values():
            return routed(network, node, inputs)
        y = network.apply(node, [weighed(inputs[0], inputs[0])])
        return stop(y) + over(
            y, y if options.bias else inputs[0] * column(affine(network, node)[0], y)
        )

    def normalise(network: Network, node: Node, inputs: list[Array]) -> Array:
        y = network.apply(node, inputs)
        return stop(y) + (y - stop(y)) * column(y.new_tensor(node["deviation"]), y)

    return {
        **dict.fromkeys(ROUTED, routed), **dict.fromkeys(SHARED, average),
        "batch_norm": norm, "normalise": normalise, "dense": linear,
        "conv": conv if SIGNS[options.composite] else linear,
    }  # fmt: skip


def keras(network: KerasNetwork, options: Options) -> Mapping[str, NodeFunction]:
    """Kind of node -> the function whose derivative is its rule."""
    from keras import ops

    stop, norms = ops.stop_gradient, folded(network.architecture)
    positive = rectified(network.architecture)

    def weighed(a: Array, part: Array) -> Array:
        return stop(part) * (1 + (a - stop(a)))

    def over(z: Array, y: Array) -> Array:
        return (z - stop(z)) / stop(ops.where(y == 0, ops.full_like(y, float("inf")), y))

    def affine(network: KerasNetwork, norm: Node) -> tuple[Array, Array]:
        scale, offset, mean, variance = (network.tensor(f"{norm.name}.{p}") for p in STATISTICS)
        factor = scale / ops.sqrt(variance + norm["epsilon"])
        return factor, offset - mean * factor

    def weights(network: KerasNetwork, node: Node) -> tuple[Array, Array]:
        kernel = network.tensor(f"{node.name}.kernel")
        bias = network.tensor(f"{node.name}.bias") if node["bias"] else ops.zeros(1, kernel.dtype)
        if node.name in norms:
            factor, shift = affine(network, norms[node.name])
            kernel, bias = kernel * factor, bias * factor + shift
        return kernel, bias * options.bias

    def linear(network: KerasNetwork, node: Node, inputs: list[Array]) -> Array:
        a = weighed(inputs[0], inputs[0])
        made = z = y = network.apply(node, [a])
        if node.name in norms or not options.bias:
            kernel, bias = weights(network, node)
            z = network.apply(node, [a], kernel)
            y = z + bias
        return stop(made) + over(z, ops.where(y < 0, y - options.epsilon, y + options.epsilon))

    def conv(network: KerasNetwork, node: Node, inputs: list[Array]) -> Array:
        (kernel, bias), a = weights(network, node), inputs[0]
        made = stop(network.apply(node, inputs))
        for sign, factor in SIGNS[options.composite].items():
            kernels = (ops.maximum(kernel, 0), ops.minimum(kernel, 0))[::sign]
            z = network.apply(node, [weighed(a, ops.maximum(a, 0))], kernels[0])
            if node.inputs[0] not in positive:
                z = z + network.apply(node, [weighed(a, ops.minimum(a, 0))], kernels[1])
            y = z + (ops.maximum(bias, 0) if sign > 0 else ops.minimum(bias, 0))
            made = made + factor * over(z, y)
        return made

    def average(network: KerasNetwork, node: Node, inputs: list[Array]) -> Array:
        y = network.apply(node, [weighed(a, a) for a in inputs])
        return stop(y) + over(y, y)

    def routed(network: KerasNetwork, node: Node, inputs: list[Array]) -> Array:
        return stop(network.apply(node, inputs)) + (inputs[0] - stop(inputs[0]))

    def norm(network: KerasNetwork, node: Node, inputs: list[Array]) -> Array:
        if node in norms.values():
            return routed(network, node, inputs)
        y = network.apply(node, [weighed(inputs[0], inputs[0])])
        return stop(y) + over(y, y if options.bias else inputs[0] * affine(network, node)[0])

    def normalise(network: KerasNetwork, node: Node, inputs: list[Array]) -> Array:
        y = network.apply(node, inputs)
        return stop(y) + (y - stop(y)) * ops.convert_to_tensor(node["deviation"], y.dtype)

    return {
        **dict.fromkeys(ROUTED, routed), **dict.fromkeys(SHARED, average),
        "batch_norm": norm, "normalise": normalise, "dense": linear,
        "conv": conv if SIGNS[options.composite] else linear,
    }  # fmt: skip
