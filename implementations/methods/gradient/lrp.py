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

from implementations.arrays import Array, Intermediates
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
from implementations.methods.relevance_by_hand import rules

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
