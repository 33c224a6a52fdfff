"""ShapleyCAM (Cai 2025, arXiv 2501.06261).

Shapley values of the activations A in the game that the score plays to second order about A:

    G = d s / d A - N / 2        N = (d2 s / dA dA) A
    w_c = mean_hw(G_c)        S = sum_c w_c A_c        heatmap = relu(S)

`position` keeps each position's own weight, S = sum_c G_c * A_c. Past the layer the logits z are
piecewise linear, so all curvature is the softmax's, and G is one pull-back through the head:

    u = J A,  J = dz/dA        H = d2 s / dz dz        G = J' (ds/dz - H u / 2)

A logit has H = 0, whose map is Grad-CAM's. `residual` explains z_k + log q_k, the paper's ReST.
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
from implementations.methods import positions, second_order
from implementations.methods.card import Cost, Flag, Method
from implementations.methods.evidence import RELU

METHOD = Method(
    title="ShapleyCAM",
    paper="arXiv 2501.06261",
    at="layer",
    classes="pulled",
    intermediates=("activations", "gradients", "weights", "signed", "heatmap"),
    options={
        "position": Flag(False, "weigh each position apart, not channels by their mean"),
        "residual": Flag(False, "explain the logit plus its log-probability"),
        "relu": RELU,
    },
    score="log_probability",
    cost=lambda options, architecture, layer: Cost(1, 1, head=1),
    applies=second_order.applies,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, both directions through the head by hand."""
    second_order.checked(options)

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        gradients = network.pull_back(layer, activations, rest, targets, options.score)
        if options.score != "logit":
            u = network.push(layer, activations, rest, activations)
            logits = network.head(layer, activations, rest)
            curvature = second_order.reference(options, logits, u, targets)
            gradients = gradients - network.pull(layer, activations, rest, curvature) / 2
        if options.residual:
            gradients = gradients + network.pull_back(layer, activations, rest, targets, "logit")
        return positions.reference(activations, gradients, options)

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.linearize` of the head for both directions."""
    import jax

    second_order.checked(options)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        logits, push = jax.linearize(lambda a: network.head(layer, a, rest), activations)
        cotangent = second_order.jax(network, options, logits, lambda: push(activations), targets)
        (gradients,) = jax.linear_transpose(push, activations)(cotangent)
        return positions.jax(activations, gradients, options)

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.jvp` of the head for u, `torch.func.vjp` for G."""
    import torch

    second_order.checked(options)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def head(activations: Array) -> Array:
            return network.head(layer, activations, rest)

        def u() -> Array:
            return torch.func.jvp(head, (activations,), (activations,))[1]

        logits, pull_back = torch.func.vjp(head, activations)
        (gradients,) = pull_back(second_order.pytorch(network, options, logits, u, targets))
        return positions.pytorch(activations, gradients, options)

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; u is the gradient of <J'y, A> by y, as Keras has no push forward."""
    from keras import ops

    second_order.checked(options)
    network.split(layer)

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def head(activations: Array) -> Array:
            return network.head(layer, activations, rest)

        def pull_back(cotangent: Array) -> Array:
            return network.gradient(lambda a: ops.sum(cotangent * head(a)))(activations)

        def along(cotangent: Array) -> Array:
            return ops.sum(pull_back(cotangent) * activations)

        logits = head(activations)

        def u() -> Array:
            return network.gradient(along)(ops.zeros_like(logits))

        gradients = pull_back(second_order.keras(network, options, logits, u, targets))
        return positions.keras(activations, gradients, options)

    return compile(explain)
