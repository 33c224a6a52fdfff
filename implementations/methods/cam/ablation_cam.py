"""Ablation-CAM (Desai & Ramaswamy, WACV 2020, doi 10.1109/WACV45572.2020.9093360).

A channel counts for what the score loses when the layer is without it:

    w_c = s_k(A) - s_k(A with A_c = 0)        S = sum_c w_c A_c        heatmap = relu(S)

The paper divides by s_k(A) too. That is one number for the whole image, which turns the map over
where it is negative; it is left out. Nothing is differentiated. Only the head is run again, and of
a head that begins with global average pooling only what follows: a channel that is 0 has mean 0.
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
from implementations.methods import channels, evidence
from implementations.methods.ablating import ablated, explained
from implementations.methods.card import Cost, Method
from implementations.methods.evidence import RELU

METHOD = Method(
    title="Ablation-CAM",
    paper="doi 10.1109/WACV45572.2020.9093360",
    at="layer",
    classes="scored",
    intermediates=("activations", "weights", "signed", "heatmap"),
    options={"relu": RELU},
    cost=lambda options, architecture, layer: Cost(1, head=architecture.shapes[layer][-1]),
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one channel after another."""
    import numpy as np

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def score(activations: Array) -> Array:
            return network.score(options.score, network.head(layer, activations, rest), targets)

        every = np.arange(activations.shape[-1])
        lost = [score(activations) - score(activations * (every != c)) for c in every]
        weights = np.stack(lost, axis=1)
        signed = (activations * weights[:, None, None, :]).sum(axis=-1)
        maps = evidence.reference(signed, options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.vmap` over the channels of a pass through the head."""
    import jax
    import jax.numpy as jnp

    place = ablated(network.architecture, layer)

    @compile
    def features(network: Network, images: Array) -> tuple[Array, Array, dict[str, Array]]:
        activations, rest = network.features(layer, images)
        return activations, activations if place == layer else activations.mean(axis=(1, 2)), rest

    @compile
    def lost(
        network: Network, values: Array, rest: dict[str, Array], targets: Array, keep: Array
    ) -> Array:
        def score(keep: Array) -> Array:
            return network.score(options.score, network.head(place, values * keep, rest), targets)

        return score(jnp.ones_like(keep[0]))[:, None] - jax.vmap(score, out_axes=1)(keep)

    def kept(values: Array) -> Array:
        return 1 - jnp.eye(values.shape[-1], dtype=values.dtype)

    return explained(place, options, compile, (features, lost, kept), channels.jax)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """A batch that holds every image's activations without each of several channels."""
    import torch

    place = ablated(network.architecture, layer)

    @compile
    def features(network: Network, images: Array) -> tuple[Array, Array, dict[str, Array]]:
        activations, rest = network.features(layer, images)
        return activations, activations if place == layer else activations.mean(dim=(2, 3)), rest

    @compile
    def lost(
        network: Network, values: Array, rest: dict[str, Array], targets: Array, keep: Array
    ) -> Array:
        def score(values: Array, rest: dict[str, Array], targets: Array) -> Array:
            return network.score(options.score, network.head(place, values, rest), targets)

        without = values[:, None] * keep.view(*keep.shape, *[1] * (values.ndim - 2))
        repeated = {name: array.repeat_interleave(len(keep), 0) for name, array in rest.items()}
        scores = score(without.flatten(0, 1), repeated, targets.repeat_interleave(len(keep)))
        scores = scores.view(len(values), len(keep), -1).transpose(1, 2).flatten(0, 1)
        return score(values, rest, targets)[:, None] - scores

    def kept(values: Array) -> Array:
        return 1 - torch.eye(values.shape[1], dtype=values.dtype, device=values.device)

    return explained(place, options, compile, (features, lost, kept), channels.pytorch)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout: a batch without each of several channels."""
    from keras import ops

    place = ablated(network.architecture, layer)
    network.split(layer)
    network.split(place)

    @compile
    def features(network: KerasNetwork, images: Array) -> tuple[Array, Array, dict[str, Array]]:
        activations, rest = network.features(layer, images)
        _, height, width, _ = activations.shape
        # Some backends take the mean of float64 in float32.
        pooled = ops.sum(activations, axis=(1, 2)) / (height * width)
        return activations, activations if place == layer else pooled, rest

    @compile
    def lost(
        network: KerasNetwork, values: Array, rest: dict[str, Array], targets: Array, keep: Array
    ) -> Array:
        def score(values: Array, rest: dict[str, Array], targets: Array) -> Array:
            return network.score(options.score, network.head(place, values, rest), targets)

        count = keep.shape[0]
        sized = ops.reshape(keep, (count, *[1] * (len(values.shape) - 2), -1))
        without = ops.reshape(values[:, None] * sized, (-1, *values.shape[1:]))
        repeated = {name: ops.repeat(array, count, axis=0) for name, array in rest.items()}
        scores = score(without, repeated, ops.repeat(targets, count))
        scores = ops.transpose(ops.reshape(scores, (values.shape[0], count, -1)), (0, 2, 1))
        return score(values, rest, targets)[:, None] - ops.reshape(scores, (-1, count))

    def kept(values: Array) -> Array:
        return 1 - ops.eye(values.shape[-1], dtype=values.dtype)

    return explained(place, options, compile, (features, lost, kept), channels.keras)
