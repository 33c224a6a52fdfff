"""Grad-CAM++ (Chattopadhay et al. 2018, arXiv 1710.11063, equation 19).

The activations A of a layer, each channel weighted by a sum of its positive gradients, each of
which counts for less the more the channel is active:

    G = d s_k / d A        T_c = sum_hw A_c        w_c = sum_hw relu(G_c) / (2 + G_c T_c)
    S = sum_c w_c A_c      heatmap = relu(S)

The paper's alpha is G^2 / (2 G^2 + T G^3): G^2 cancels, so that nothing underflows. Where 2 + G T
is exactly 0 the quotient is 0; no divisor is below 2 but on layers with negative values. The
authors' code also divides alpha by its sum, which the paper does not.
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
from implementations.methods import evidence
from implementations.methods.card import Method, once
from implementations.methods.evidence import RELU

METHOD = Method(
    title="Grad-CAM++",
    paper="arXiv 1710.11063",
    at="layer",
    classes="pulled",
    intermediates=("activations", "gradients", "weights", "signed", "heatmap"),
    options={"relu": RELU},
    cost=once(),
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the gradient by hand; it notes how small a divisor is."""
    import numpy as np

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        gradients = network.pull_back(layer, activations, rest, targets, options.score)
        positive = np.maximum(gradients, 0)
        divisors = 2 + positive * activations.sum(axis=(1, 2), keepdims=True)
        quotients = np.divide(positive, divisors, out=np.zeros_like(positive), where=divisors != 0)
        weights = quotients.sum(axis=(1, 2))
        signed = (activations * weights[:, None, None, :]).sum(axis=-1)
        network.note_margin((np.abs(divisors) / (2 + np.abs(divisors - 2))).min(axis=(1, 2, 3)))
        maps = evidence.reference(signed, options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of the head."""
    import jax
    import jax.numpy as jnp

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return network.score(options.score, logits, targets).sum()

        gradients = jax.grad(score)(activations)
        positive = jax.nn.relu(gradients)
        divisors = 2 + positive * activations.sum(axis=(1, 2), keepdims=True)
        weights = (positive / jnp.where(divisors == 0, jnp.inf, divisors)).sum(axis=(1, 2))
        maps = evidence.jax(jnp.einsum("nhwc,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of the head, which `torch.compile` can trace whole."""
    import torch

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return network.score(options.score, logits, targets).sum()

        gradients = torch.func.grad(score)(activations)
        positive = gradients.relu()
        divisors = 2 + positive * activations.sum(dim=(2, 3), keepdim=True)
        weights = (positive / divisors.masked_fill(divisors == 0, torch.inf)).sum(dim=(2, 3))
        maps = evidence.pytorch(torch.einsum("nchw,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; the gradient is the network's, whatever the backend."""
    from keras import ops

    network.split(layer)

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def score(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            return ops.sum(network.score(options.score, logits, targets))

        gradients = network.gradient(score)(activations)
        positive = ops.relu(gradients)
        divisors = 2 + positive * ops.sum(activations, axis=(1, 2), keepdims=True)
        divisors = ops.where(divisors == 0, ops.full_like(divisors, float("inf")), divisors)
        weights = ops.sum(positive / divisors, axis=(1, 2))
        maps = evidence.keras(ops.einsum("nhwc,nc->nhw", activations, weights), options.relu)
        return {"activations": activations, "gradients": gradients, "weights": weights, **maps}

    return compile(explain)
