"""Ablation-CAM (Desai & Ramaswamy, WACV 2020, doi 10.1109/WACV45572.2020.9093360).

A channel counts for what the score loses when the layer is without it:

    w_c = s_k(A) - s_k(A with A_c = 0)        S = sum_c w_c A_c        heatmap = relu(S)

The paper divides by s_k(A) too. That is one number for the whole image, which turns the map over
where it is negative; it is left out. Nothing is differentiated. Only the head is run again, and of
a head that begins with global average pooling only what follows: a channel that is 0 has mean 0.
"""

from __future__ import annotations

from math import prod

from implementations.architecture.graph import Architecture, cut
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
from implementations.methods.card import Cost, Method
from implementations.methods.evidence import RELU
from implementations.methods.passes import blocks

METHOD = Method(
    title="Ablation-CAM",
    paper="doi 10.1109/WACV45572.2020.9093360",
    at="layer",
    classes="scored",
    intermediates=("activations", "weights", "signed", "heatmap"),
    options={"relu": RELU},
    cost=lambda options, architecture, layer: Cost(1, head=architecture.shapes[layer][-1]),
)


def ablated(architecture: Architecture, layer: str) -> str:
    """Where channels are set to 0: at the global average pool that alone reads the layer, or it."""
    readers = [node for node in architecture.nodes if layer in node.inputs]
    pooled = len(readers) == 1 and readers[0].kind == "global_average_pool"
    return readers[0].name if pooled else layer


def copies(network: Network, place: str, images: int) -> int:
    """How many copies of the images' channels a pass through the head from there may hold.

    Such a pass takes the more, the smaller its largest node is beside the network's.
    """
    values = {name: prod(shape) for name, shape in network.architecture.shapes.items()}
    head = [place, *(node.name for node in cut(network.architecture, place).head)]
    largest = max(values[name] for name in head)
    return network.capacity * max(values.values()) // (largest * images)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one channel after another."""
    import numpy as np

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def score(activations: Array) -> Array:
            return network.score(options.score, network.head(layer, activations, rest), targets)

        weights = np.empty((len(images), activations.shape[-1]))
        for channel in range(activations.shape[-1]):
            without = activations.copy()
            without[..., channel] = 0
            weights[:, channel] = score(activations) - score(without)
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
            logits = network.head(place, values * keep, rest)
            return network.score(options.score, logits, targets)

        return score(jnp.ones_like(keep[0]))[:, None] - jax.vmap(score, out_axes=1)(keep)

    @compile
    def weighted(network: Network, activations: Array, weights: list[Array]) -> Intermediates:
        joined = jnp.concatenate(weights, axis=1)
        each = joined.reshape(len(activations), -1, joined.shape[1])
        signed = jnp.einsum("nhwc,nkc->nkhw", activations, each)
        signed = signed.reshape(-1, *activations.shape[1:3])
        maps = evidence.jax(signed, options.relu)
        return {"activations": activations, "weights": joined, **maps}

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, values, rest = features(network, images)
        weights, keep = [], 1 - jnp.eye(values.shape[-1], dtype=values.dtype)
        for some, known in blocks(len(keep), copies(network, place, len(images))):
            weights.append(lost(network, values, rest, targets, keep[some])[:, known:])
        return weighted(network, activations, weights)  # type: ignore[no-any-return]

    return explain


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

    @compile
    def weighted(network: Network, activations: Array, weights: list[Array]) -> Intermediates:
        joined = torch.cat(weights, dim=1)
        each = joined.unflatten(0, (len(activations), -1))
        signed = torch.einsum("nchw,nkc->nkhw", activations, each).flatten(0, 1)
        maps = evidence.pytorch(signed, options.relu)
        return {"activations": activations, "weights": joined, **maps}

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, values, rest = features(network, images)
        keep = 1 - torch.eye(values.shape[1], dtype=values.dtype, device=values.device)
        weights = []
        for some, known in blocks(len(keep), copies(network, place, len(images))):
            weights.append(lost(network, values, rest, targets, keep[some])[:, known:])
        return weighted(network, activations, weights)  # type: ignore[no-any-return]

    return explain


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout: a batch that holds the activations without each of several channels.

    A sum divided by the count, as some backends take the mean of float64 in float32.
    """
    from keras import ops

    place = ablated(network.architecture, layer)
    network.split(layer)
    network.split(place)

    @compile
    def features(network: KerasNetwork, images: Array) -> tuple[Array, Array, dict[str, Array]]:
        activations, rest = network.features(layer, images)
        _, height, width, _ = activations.shape
        pooled = ops.sum(activations, axis=(1, 2)) / (height * width)
        return activations, activations if place == layer else pooled, rest

    @compile
    def lost(
        network: KerasNetwork, values: Array, rest: dict[str, Array], targets: Array, keep: Array
    ) -> Array:
        def score(values: Array, rest: dict[str, Array], targets: Array) -> Array:
            return network.score(options.score, network.head(place, values, rest), targets)

        count, channels = keep.shape
        sized = ops.reshape(keep, (count, *[1] * (len(values.shape) - 2), channels))
        without = ops.reshape(values[:, None] * sized, (-1, *values.shape[1:]))
        repeated = {name: ops.repeat(array, count, axis=0) for name, array in rest.items()}
        scores = score(without, repeated, ops.repeat(targets, count))
        scores = ops.transpose(ops.reshape(scores, (values.shape[0], count, -1)), (0, 2, 1))
        return score(values, rest, targets)[:, None] - ops.reshape(scores, (-1, count))

    @compile
    def weighted(network: KerasNetwork, activations: Array, weights: list[Array]) -> Intermediates:
        joined = ops.concatenate(weights, axis=1)
        number, height, width, channels = activations.shape
        each = ops.reshape(joined, (number, -1, channels))
        signed = ops.einsum("nhwc,nkc->nkhw", activations, each)
        signed = ops.reshape(signed, (-1, height, width))
        maps = evidence.keras(signed, options.relu)
        return {"activations": activations, "weights": joined, **maps}

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        activations, values, rest = features(network, images)
        channels = values.shape[-1]
        weights, keep = [], 1 - ops.eye(channels, dtype=values.dtype)
        for some, known in blocks(channels, copies(network, place, images.shape[0])):
            weights.append(lost(network, values, rest, targets, keep[some])[:, known:])
        return weighted(network, activations, weights)  # type: ignore[no-any-return]

    return explain
