"""FEM, the feature explanation method (Fuad et al. 2020, IPTA, hal-02963298).

A channel is taken where it is far above its own mean, and weighs as much as that mean:

    m_c = mean_hw(A_c)        d_c = sqrt(mean_hw((A_c - m_c)^2))
    S = sum_c m_c [A_c > m_c + k d_c]        heatmap = relu(S)

Where a normal distribution had 2 % above k = 2 deviations. The target and the score play no part.
A channel that is the same everywhere adds nothing: nothing is above its own mean. Its minimum is
taken off before it is compared, as the mean of a constant may be the constant but for rounding.
"""

from __future__ import annotations

import math

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
from implementations.methods.card import Method, Number, once
from implementations.methods.evidence import RELU

METHOD = Method(
    title="FEM",
    paper="hal-02963298",
    at="layer",
    intermediates=("activations", "weights", "signed", "heatmap"),
    options={
        "k": Number(2.0, 0.0, 100.0, "deviations above the mean at which a channel is taken"),
        "relu": RELU,
    },
    cost=once(backward=0),
    thresholds=lambda architecture, layer: math.prod(architecture.shapes[layer]),
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy; it notes how near a position is to the threshold of its channel."""
    import numpy as np

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        means = activations.mean(axis=(1, 2), keepdims=True)
        rest = activations - activations.min(axis=(1, 2), keepdims=True)
        mean, deviation = (reduce(rest, axis=(1, 2), keepdims=True) for reduce in (np.mean, np.std))
        above = rest - mean - options.k * deviation
        signed = (means * (above > 0)).sum(axis=-1)

        varied = np.ptp(activations, axis=(1, 2), keepdims=True) > 0
        distances = np.where(varied, np.abs(above), np.inf).min(axis=(1, 2, 3))
        peaks = np.abs(activations).max(axis=(1, 2, 3))
        network.note_margin(distances / np.where(peaks > 0, peaks, 1))
        weights, maps = means[:, 0, 0], evidence.reference(signed, options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """Three reductions and a comparison."""
    import jax.numpy as jnp

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        weights = activations.mean(axis=(1, 2))
        rest = activations - activations.min(axis=(1, 2), keepdims=True)
        thresholds = rest.mean(axis=(1, 2)) + options.k * rest.std(axis=(1, 2))
        taken = rest > thresholds[:, None, None, :]
        signed = jnp.einsum("nhwc,nc->nhw", taken.astype(weights.dtype), weights)
        maps = evidence.jax(signed, options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """Three reductions and a comparison; `std` without the correction for a sample."""
    import torch

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        weights = activations.mean(dim=(2, 3))
        rest = activations - activations.amin(dim=(2, 3), keepdim=True)
        thresholds = rest.mean(dim=(2, 3)) + options.k * rest.std(dim=(2, 3), correction=0)
        taken = rest > thresholds[:, :, None, None]
        signed = torch.einsum("nchw,nc->nhw", taken.to(weights.dtype), weights)
        maps = evidence.pytorch(signed, options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; sums divided, as its means are in float32 on some backends."""
    from keras import ops

    network.split(layer)

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        _, height, width, _ = activations.shape
        positions = height * width
        weights = ops.sum(activations, axis=(1, 2)) / positions
        rest = activations - ops.amin(activations, (1, 2), True)
        means = ops.sum(rest, axis=(1, 2), keepdims=True) / positions
        squares = ops.sum(ops.square(rest - means), axis=(1, 2), keepdims=True)
        taken = rest > means + options.k * ops.sqrt(squares / positions)
        signed = ops.einsum("nhwc,nc->nhw", ops.cast(taken, weights.dtype), weights)
        maps = evidence.keras(signed, options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return compile(explain)
