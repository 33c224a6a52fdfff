"""Class activation mapping (Zhou et al. 2016, arXiv 1512.04150).

Where a network ends in global average pooling and one dense layer with kernel K, the activations A
that are pooled are weighted by the class's column, without the bias:

    w_c = K[c, k]        S = sum_c w_c A_c        heatmap = S, signed

A network that ends in the pooling itself has K = 1: the map is the class's own channel. Nothing is
differentiated, and the score plays no part. With `top`, only the channels of highest mean
activation in that image are kept; of equal channels those that come first.

`form=bytes` is the published picture's: each map from its minimum to its maximum as 0 to 255, a
constant one 0, and whole numbers only once it is a picture.
"""

from __future__ import annotations

from implementations.arrays import Array, Intermediates
from implementations.contract import Compile, Explain, KerasNetwork, Network, Options, OracleNetwork
from implementations.methods import pooled, stretched
from implementations.methods.card import Choice, Method, Number, once

METHOD = Method(
    title="Class activation mapping",
    paper="arXiv 1512.04150",
    at="layer",
    classes="pulled",
    intermediates=("activations", "weights", "signed", "heatmap"),
    options={
        "top": Number(
            0, 0, 1_000_000, "channels kept, those of highest mean activation; 0 keeps all"
        ),
        "form": Choice("signed", ("signed", "bytes"), "the sum itself, or its range as 0 to 255"),
    },
    cost=once(backward=0),
    applies=pooled.applies,
    core=True,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy."""
    import numpy as np

    dense = pooled.kernel_of(network.architecture)

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        channels = activations.shape[-1]
        kernel = network.tensor(dense) if dense else np.eye(channels)
        weights = kernel.T[targets]
        if options.top:
            for row, means in enumerate(activations.mean(axis=(1, 2))):
                dropped = np.argsort(-means, kind="stable")[options.top :]
                weights[row, dropped] = 0
        signed = (activations * weights[:, None, None, :]).sum(axis=-1)
        found = {"activations": activations, "weights": weights}
        if options.form == "signed":
            return {**found, "signed": signed, "heatmap": signed}
        return {**found, "heatmap": 255 * stretched.reference(signed)}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """One `einsum`."""
    import jax
    import jax.numpy as jnp

    dense = pooled.kernel_of(network.architecture)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        channels = activations.shape[-1]
        if dense:
            weights = network.tensor(dense).T[targets]
        else:
            weights = jax.nn.one_hot(targets, channels, dtype=activations.dtype)
        if 0 < options.top < channels:
            _, kept = jax.lax.top_k(activations.mean(axis=(1, 2)), options.top)
            weights = weights * jax.nn.one_hot(kept, channels, dtype=weights.dtype).sum(axis=1)
        signed = jnp.einsum("nhwc,nc->nhw", activations, weights)
        found = {"activations": activations, "weights": weights}
        if options.form == "signed":
            return {**found, "signed": signed, "heatmap": signed}
        return {**found, "heatmap": 255 * stretched.jax(signed)}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """One `einsum`; a stable sort, because `topk` promises no order among equals."""
    import torch

    dense = pooled.kernel_of(network.architecture)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        if dense:
            weights = network.tensor(dense).T[targets]
        else:
            classes = torch.arange(activations.shape[1], device=targets.device)
            weights = (targets[:, None] == classes).to(activations.dtype)
        if options.top:
            means = activations.mean(dim=(2, 3))
            dropped = means.argsort(dim=1, descending=True, stable=True)[:, options.top :]
            weights = weights.scatter(1, dropped, 0.0)
        signed = torch.einsum("nchw,nc->nhw", activations, weights)
        found = {"activations": activations, "weights": weights}
        if options.form == "signed":
            return {**found, "signed": signed, "heatmap": signed}
        return {**found, "heatmap": 255 * stretched.pytorch(signed)}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; `argsort` is stable on every backend, `top_k` is not."""
    from keras import ops

    network.split(layer)
    dense = pooled.kernel_of(network.architecture)

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        _, height, width, channels = activations.shape
        if dense:
            weights = ops.take(ops.transpose(network.tensor(dense)), targets, axis=0)
        else:
            weights = ops.one_hot(targets, channels, dtype=activations.dtype)
        if options.top:
            means = ops.sum(activations, axis=(1, 2)) / (height * width)
            ranks = ops.argsort(ops.argsort(-means, axis=1), axis=1)
            weights = ops.where(ranks < options.top, weights, ops.zeros_like(weights))
        signed = ops.einsum("nhwc,nc->nhw", activations, weights)
        found = {"activations": activations, "weights": weights}
        if options.form == "signed":
            return {**found, "signed": signed, "heatmap": signed}
        return {**found, "heatmap": 255 * stretched.keras(signed)}

    return compile(explain)
