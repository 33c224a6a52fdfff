"""The rules of `relevance.py` in NumPy, by hand: the oracle's."""

from __future__ import annotations

from collections.abc import Mapping

from implementations.architecture.kinds import KINDS, Backward
from implementations.architecture.node import Node
from implementations.arrays import Array, Tensors
from implementations.contract import Options, OracleNetwork
from implementations.methods import relevance
from implementations.methods.folding import STATISTICS, folded


def rules(network: OracleNetwork, options: Options) -> Mapping[str, Backward]:
    """Kind of node -> its rule, by hand."""
    import numpy as np

    norms = folded(network.architecture)

    def over(share: Array, y: Array) -> Array:
        return np.where(y == 0, 0, share / np.where(y == 0, 1, y))

    def product(node: Node, a: Array, kernel: Array) -> Array:
        return KINDS[node.kind].forward(node, {"kernel": kernel, "bias": np.zeros(1)}, [a])

    def transposed(node: Node, a: Array, kernel: Array, share: Array) -> Array:
        return a * KINDS[node.kind].backward(node, {"kernel": kernel}, [a], share)[0]

    def affine(norm: Node) -> tuple[Array, Array]:
        scale, offset, mean, variance = (network.tensor(f"{norm.name}.{p}") for p in STATISTICS)
        factor = scale / np.sqrt(variance + norm["epsilon"])
        return factor, offset - mean * factor

    def weights(node: Node, own: Tensors) -> tuple[Array, Array]:
        kernel, bias = own["kernel"], own.get("bias", np.zeros(1))
        if node.name in norms:
            factor, shift = affine(norms[node.name])
            kernel, bias = kernel * factor, bias * factor + shift
        return kernel, bias * options.bias

    def linear(node: Node, own: Tensors, inputs: list[Array], above: Array) -> list[Array]:
        kernel, bias = weights(node, own)
        y = product(node, inputs[0], kernel) + bias
        share = over(above, y + options.epsilon * np.where(y < 0, -1, 1))
        return [transposed(node, inputs[0], kernel, share)]

    def conv(node: Node, own: Tensors, inputs: list[Array], above: Array) -> list[Array]:
        kernel, bias = weights(node, own)
        halves = np.maximum(inputs[0], 0), np.minimum(inputs[0], 0)
        total = np.zeros_like(inputs[0])
        for sign, factor in relevance.SIGNS[options.composite].items():
            kernels = (np.maximum(kernel, 0), np.minimum(kernel, 0))[::sign]
            y = np.maximum(bias, 0) if sign > 0 else np.minimum(bias, 0)
            for a, part in zip(halves, kernels, strict=True):
                y = y + product(node, a, part)
            for a, part in zip(halves, kernels, strict=True):
                total += factor * transposed(node, a, part, over(above, y))
        return [total]

    def average(node: Node, own: Tensors, inputs: list[Array], above: Array) -> list[Array]:
        kind = KINDS[node.kind]
        parts = kind.backward(node, own, inputs, over(above, kind.forward(node, own, inputs)))
        return [a * part for a, part in zip(inputs, parts, strict=True)]

    def norm(node: Node, own: Tensors, inputs: list[Array], above: Array) -> list[Array]:
        factor, shift = affine(node)
        added = inputs[0] * factor
        alone = added * over(above, added + shift * options.bias)
        return [above if node in norms.values() else alone]

    def normalise(node: Node, own: Tensors, inputs: list[Array], above: Array) -> list[Array]:
        given = above * np.array(node["deviation"])
        return KINDS[node.kind].backward(node, own, inputs, given)

    return {
        **dict.fromkeys(relevance.ROUTED, lambda node, own, inputs, above: [above]),
        **dict.fromkeys(relevance.SHARED, average),
        "batch_norm": norm, "normalise": normalise, "dense": linear,
        "conv": conv if relevance.SIGNS[options.composite] else linear,
    }  # fmt: skip
