"""Layer-wise relevance propagation (Bach et al. 2015, doi 10.1371/journal.pone.0130140).

The logit is handed back through the network, R_in from R_out and what the nodes read, a:

    heatmap = sum_c R_c at the image, signed        R at the logits: z_k at k, else 0

    dense      R_i = a_i sum_j W_ij R_j / (y_j + epsilon sign(y_j)), y its output, sign(0) = 1
    conv       R_i = sum_j p_ij R_j / y_j,  p_ij = a_i+ W_ij+ + a_i- W_ij-,  y_j = sum_i p_ij + b_j+
    averages   R_i = a_i sum_j w_ij R_j / y_j           add   R_n = a_n R / sum_n a_n
    batch_norm   folded into the conv or dense node that it alone reads, else a s R / y

Elsewhere R is handed on, by a max-pool to the first of its largest. R / 0 is 0. For conv
`composite=epsilon` has the dense rule, `alpha2_beta1` twice the rule above less the same with the
signs of W and b exchanged; without `bias` no y has one (arXiv 1512.02479, 2106.13200).
`completeness_gap` (N,) is sum R - z_k: what biases and epsilon take.

Relevance is a gradient, that of z_k^2 / 2, of a network whose nodes are functions of their own
value with a derivative that hands relevance back: `relevance.py` has these functions.
"""

from __future__ import annotations

from collections.abc import Mapping

from implementations.architecture.kinds import KINDS, Backward
from implementations.architecture.node import Node
from implementations.arrays import Array, Intermediates, Tensors
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods import relevance
from implementations.methods.card import Choice, Cost, Flag, Method, Number
from implementations.methods.covering import covered
from implementations.methods.folding import STATISTICS, folded

METHOD = Method(
    title="Layer-wise relevance propagation",
    paper="doi 10.1371/journal.pone.0130140",
    at="input",
    intermediates=("relevance", "signed", "heatmap"),
    per_image=("completeness_gap",),
    options={
        "composite": Choice("epsilon_plus", tuple(relevance.SIGNS), "the rule of convolutions"),
        "epsilon": Number(1e-6, 0.0, 1.0, "added to the magnitude of a dense node's output"),
        "bias": Flag(True, "whether biases take a share of the relevance, which is lost"),
    },
    scores=("logit",),
    tolerance=1e-4,  # by composite=epsilon much of both signs cancels
    cost=lambda options, architecture, layer: Cost(1, 3),
    applies=covered(relevance.RULED),
)


def answer(relevances: Array, gap: Array, signed: Array) -> Intermediates:
    """All by name."""
    found = {"relevance": relevances, "completeness_gap": gap}
    return {**found, "signed": signed, "heatmap": signed}


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


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, in the sweep of a gradient: it is linear, so z_k comes in at the end."""

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        ruled = network.with_backward(rules(network, options))
        logits = network.score("logit", network(images), targets)
        shares = ruled.gradients(images, targets, "logit")["input"]
        relevances = shares * logits[:, None, None, None]
        signed = relevances.sum(axis=-1)
        return answer(relevances, signed.sum(axis=(1, 2)) - logits, signed)

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of half the logit squared."""
    import jax

    functions = relevance.jax(network, options)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        ruled = network.with_nodes(functions)

        def score(images: Array) -> tuple[Array, Array]:
            logits = network.score("logit", ruled(images), targets)
            return (logits**2).sum() / 2, logits

        relevances, logits = jax.grad(score, has_aux=True)(images)
        signed = relevances.sum(axis=-1)
        return answer(relevances, signed.sum(axis=(1, 2)) - logits, signed)

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of half the logit squared."""
    import torch

    ruled = network.with_nodes(relevance.pytorch(network, options))

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        def score(images: Array) -> tuple[Array, Array]:
            logits = network.score("logit", ruled(images), targets)
            return (logits**2).sum() / 2, logits

        relevances, logits = torch.func.grad(score, has_aux=True)(images)
        signed = relevances.sum(dim=1)
        return answer(relevances, signed.sum(dim=(1, 2)) - logits, signed)

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """The network's gradient of half the logit squared."""
    from keras import ops

    ruled = network.with_nodes(relevance.keras(network, options))

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        def score(images: Array) -> tuple[Array, Array]:
            logits = network.score("logit", ruled(images), targets)
            return ops.sum(logits**2) / 2, logits

        relevances, logits = network.gradient(score, has_aux=True)(images)
        signed = ops.sum(relevances, axis=-1)
        return answer(relevances, ops.sum(signed, axis=(1, 2)) - logits, signed)

    return compile(explain)
