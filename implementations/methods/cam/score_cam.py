"""Score-CAM (Wang et al. 2020, arXiv 1910.01279, algorithm 1).

A channel counts for what the score is where only its activations let the image through:

    H_c = r01(U(A_c))        w = softmax_c(s_k(x * H_c))        S = sum_c w_c A_c
    heatmap = relu(S)

U upsamples to the image, r01 brings a map to [0, 1] by its own minimum and maximum; a constant map
is 0. `weights=raw` takes the scores themselves. Nothing is differentiated. A baseline's score would
cancel in the softmax, so none is computed. Each map has its minimum taken off before it is resized,
too: of a constant 0 is left, where resizing a constant leaves rounding, which is no mask.
"""

from __future__ import annotations

from implementations.arrays import Array, Intermediates
from implementations.contract import Compile, Explain, KerasNetwork, Network, Options, OracleNetwork
from implementations.methods import evidence, stretched
from implementations.methods.card import Choice, Cost, Method
from implementations.methods.channel_by_channel import explained

METHOD = Method(
    title="Score-CAM",
    paper="arXiv 1910.01279",
    at="layer",
    classes="scored",
    intermediates=("activations", "weights", "signed", "heatmap"),
    options={
        "weights": Choice("softmax", ("softmax", "raw"), "of the channels' scores"),
        "relu": evidence.RELU,
    },
    cost=lambda options, architecture, layer: Cost(architecture.shapes[layer][-1] + 1),
    core=True,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one channel after another."""
    import numpy as np

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, _ = network.features(layer, images)
        scores = np.empty((len(images), activations.shape[-1]))
        for channel in range(activations.shape[-1]):
            maps = activations[..., channel]
            maps = maps - maps.min(axis=(1, 2), keepdims=True)
            maps = network.resize(maps, images.shape[1:3])
            logits = network(images * stretched.reference(maps)[..., None])
            scores[:, channel] = network.score(options.score, logits, targets)
        weights = scores
        if options.weights == "softmax":
            exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
            weights = exponentials / exponentials.sum(axis=1, keepdims=True)
        signed = (activations * weights[:, None, None, :]).sum(axis=-1)
        maps = evidence.reference(signed, options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.vmap` over the channels of a pass."""
    import jax
    import jax.numpy as jnp

    @compile
    def scored(network: Network, images: Array, targets: Array, some: Array) -> Array:
        def score(maps: Array) -> Array:
            maps = maps - maps.min(axis=(1, 2), keepdims=True)
            masks = stretched.jax(network.resize(maps, images.shape[1:3]))
            return network.score(options.score, network(images * masks[..., None]), targets)

        return jax.vmap(score, in_axes=-1, out_axes=-1)(some)

    @compile
    def weighted(network: Network, activations: Array, scores: list[Array]) -> Intermediates:
        weights = jnp.concatenate(scores, axis=1)
        if options.weights == "softmax":
            weights = jax.nn.softmax(weights, axis=1)
        each = weights.reshape(len(activations), -1, weights.shape[1])
        signed = jnp.einsum("nhwc,nkc->nkhw", activations, each)
        signed = signed.reshape(-1, *activations.shape[1:3])
        maps = evidence.jax(signed, options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return explained(layer, compile, scored, weighted)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """A batch that holds every image behind several channels."""
    import torch

    @compile
    def scored(network: Network, images: Array, targets: Array, some: Array) -> Array:
        number, channels = some.shape[:2]
        maps = some - some.amin(dim=(2, 3), keepdim=True)
        masks = stretched.pytorch(network.resize(maps.flatten(0, 1), images.shape[2:]))
        masked = images[:, None] * masks.unflatten(0, (number, channels))[:, :, None]
        repeated = targets.repeat_interleave(channels)
        scores = network.score(options.score, network(masked.flatten(0, 1)), repeated)
        return scores.view(number, channels, -1).transpose(1, 2).flatten(0, 1)

    @compile
    def weighted(network: Network, activations: Array, scores: list[Array]) -> Intermediates:
        weights = torch.cat(scores, dim=1)
        if options.weights == "softmax":
            weights = weights.softmax(dim=1)
        each = weights.unflatten(0, (len(activations), -1))
        signed = torch.einsum("nchw,nkc->nkhw", activations, each).flatten(0, 1)
        maps = evidence.pytorch(signed, options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return explained(layer, compile, scored, weighted, last=False)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout: a batch that holds every image behind several channels."""
    from keras import ops

    network.split(layer)

    @compile
    def scored(network: KerasNetwork, images: Array, targets: Array, some: Array) -> Array:
        number, h, w, channels = some.shape
        _, height, width, colours = images.shape
        maps = some - ops.amin(some, (1, 2), True)
        maps = ops.reshape(ops.transpose(maps, (0, 3, 1, 2)), (-1, h, w))
        masks = stretched.keras(network.resize(maps, (height, width)))
        masked = images[:, None] * ops.reshape(masks, (number, channels, height, width, 1))
        masked = ops.reshape(masked, (-1, height, width, colours))
        repeated = ops.repeat(targets, channels)
        scores = network.score(options.score, network(masked), repeated)
        scores = ops.transpose(ops.reshape(scores, (number, channels, -1)), (0, 2, 1))
        return ops.reshape(scores, (-1, channels))

    @compile
    def weighted(network: KerasNetwork, activations: Array, scores: list[Array]) -> Intermediates:
        weights = ops.concatenate(scores, axis=1)
        if options.weights == "softmax":
            weights = ops.softmax(weights, axis=1)
        number, height, width, channels = activations.shape
        each = ops.reshape(weights, (number, -1, channels))
        signed = ops.einsum("nhwc,nkc->nkhw", activations, each)
        signed = ops.reshape(signed, (-1, height, width))
        maps = evidence.keras(signed, options.relu)
        return {"activations": activations, "weights": weights, **maps}

    return explained(layer, compile, scored, weighted)
