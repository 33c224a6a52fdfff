"""Grad-CAM of every class in one call (Selvaraju et al. 2017, arXiv 1610.02391).

    w_kc = mean_hw(d s_k / d A_c)        S_k = sum_c w_kc A_c        heatmap_k = relu(S_k)

One pass through the trunk and the head, then one pull-back through the head for each class: the
price of K classes is far below K calls. Maps are (N, h, w, K), the last axis the classes; the
targets are not read. `S_k` is kept as `signed`.
"""

from __future__ import annotations

from implementations.architecture.graph import cut
from implementations.arrays import Array, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods.card import Cost, Method

METHOD = Method(
    title="Grad-CAM, all classes",
    paper="arXiv 1610.02391",
    at="layer",
    classes="all",
    intermediates=("activations", "signed", "heatmap"),
    cost=lambda options, architecture, layer: Cost(1, architecture.classes),
    core=True,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, class after class."""
    import numpy as np

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        signed = []
        for target in range(network.architecture.classes):
            targets = np.full(len(images), target)
            gradients = network.pull_back(layer, activations, rest, targets, options.score)
            signed.append(np.einsum("nhwc,nc->nhw", activations, gradients.mean(axis=(1, 2))))
        maps = np.stack(signed, axis=-1)
        return {"activations": activations, "signed": maps, "heatmap": np.maximum(maps, 0)}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.vmap` of the head's pull-back over the classes."""
    import jax
    import jax.numpy as jnp

    classes = network.architecture.classes

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def scores(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            targets = jnp.broadcast_to(jnp.arange(classes)[:, None], (classes, len(logits)))
            return jax.vmap(lambda target: network.score(options.score, logits, target))(targets)

        values, pull_back = jax.vjp(scores, activations)
        one_class = jnp.eye(classes, dtype=values.dtype)[:, :, None] * jnp.ones_like(values)
        (gradients,) = jax.vmap(pull_back)(one_class)
        signed = jnp.einsum("nhwc,knc->nhwk", activations, gradients.mean(axis=(2, 3)))
        return {"activations": activations, "signed": signed, "heatmap": jax.nn.relu(signed)}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.vjp` of the head, pulled back for all classes at once or one by one.

    A batch of classes through a convolution costs more than the classes one after the other, so
    `torch.vmap` is for heads without one.
    """
    import torch

    classes = network.architecture.classes
    batched = all(node.kind != "conv" for node in cut(network.architecture, layer).head)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def scores(activations: Array) -> Array:
            logits = network.head(layer, activations, rest)
            each = [torch.full_like(targets, target) for target in range(classes)]
            return torch.stack([network.score(options.score, logits, target) for target in each])

        values, pull_back = torch.func.vjp(scores, activations)
        one_class = torch.eye(classes, dtype=values.dtype, device=values.device)
        cotangents = one_class[:, :, None].expand(-1, -1, len(images))
        if batched:
            (gradients,) = torch.vmap(pull_back)(cotangents)
            weights = gradients.mean(dim=(3, 4))
        else:
            weights = torch.stack([pull_back(each)[0].mean(dim=(2, 3)) for each in cotangents])
        signed = torch.einsum("nchw,knc->nkhw", activations, weights)
        return {"activations": activations, "signed": signed, "heatmap": torch.relu(signed)}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """One gradient of the head for each class: Keras has no pull-back to map over."""
    from keras import ops

    network.split(layer)
    classes = network.architecture.classes

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        _, height, width, _ = activations.shape
        weights = []
        for target in range(classes):

            def score(activations: Array, target: int = target) -> Array:
                logits = network.head(layer, activations, rest)
                chosen = ops.full_like(targets, target)
                return ops.sum(network.score(options.score, logits, chosen))

            gradients = network.gradient(score)(activations)
            weights.append(ops.sum(gradients, axis=(1, 2)) / (height * width))
        signed = ops.einsum("nhwc,nck->nhwk", activations, ops.stack(weights, axis=-1))
        return {"activations": activations, "signed": signed, "heatmap": ops.relu(signed)}

    return compile(explain)
