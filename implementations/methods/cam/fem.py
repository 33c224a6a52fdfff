"""FEM, the feature explanation method (Fuad et al. 2020, IPTA, hal-02963298).

A channel is taken where it is far above its own mean, and weighs as much as that mean:

    m_c = mean_hw(A_c)        d_c = sqrt(mean_hw((A_c - m_c)^2))
    S = sum_c m_c [A_c > m_c + k d_c]        heatmap = relu(S)

Where a normal distribution had 2 % above k = 2 deviations. The target and the score play no part.
A channel that is the same everywhere adds nothing: nothing is above its own mean.
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
        # Below 1, rounding of the mean could put a constant channel above itself.
        "k": Number(2.0, 1.0, 100.0, "deviations above the mean at which a channel is taken"),
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
        above = activations - means - options.k * activations.std(axis=(1, 2), keepdims=True)
        signed = (means * (above > 0)).sum(axis=-1)

        varied = np.ptp(activations, axis=(1, 2), keepdims=True) > 0
        distances = np.where(varied, np.abs(above), np.inf).min(axis=(1, 2, 3))
        peaks = np.abs(activations).max(axis=(1, 2, 3))
        network.note_margin(distances / np.where(peaks > 0, peaks, 1))
        weights, maps = means[:, 0, 0], evidence.reference(signed, options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """Two reductions and a comparison."""
    import jax.numpy as jnp

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        weights = activations.mean(axis=(1, 2))
        thresholds = weights + options.k * activations.std(axis=(1, 2))
        taken = activations > thresholds[:, None, None, :]
        signed = jnp.einsum("nhwc,nc->nhw", taken.astype(weights.dtype), weights)
        maps = evidence.jax(signed, options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """Two reductions and a comparison; `std` without the correction for a sample."""
    import torch

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        weights = activations.mean(dim=(2, 3))
        thresholds = weights + options.k * activations.std(dim=(2, 3), correction=0)
        taken = activations > thresholds[:, :, None, None]
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
        means = ops.sum(activations, axis=(1, 2), keepdims=True) / positions
        squares = ops.sum(ops.square(activations - means), axis=(1, 2), keepdims=True)
        taken = activations > means + options.k * ops.sqrt(squares / positions)
        weights = means[:, 0, 0]
        signed = ops.einsum("nhwc,nc->nhw", ops.cast(taken, weights.dtype), weights)
        maps = evidence.keras(signed, options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return compile(explain)
