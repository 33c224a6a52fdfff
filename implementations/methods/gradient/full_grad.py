"""FullGrad (Srinivas & Fleuret 2019, arXiv 1905.00780).

A logit is, exactly, what the image and every bias of the network contribute to it:

    s_k = sum(x * g) + sum_l sum(b_l * G_l)        g = d s_k / d x,  G_l = d s_k / d (output of l)

b_l is the output of a node where it reads 0: the bias of a convolution or dense layer, what batch
norm and standardisation add, and 6 where a ReLU6 clips. The map shows where they lie:

    S = sum_c r01(|x * g|)_c + sum_l U(sum_c r01(|b_l * G_l|)_c)        heatmap = S, signed

over the nodes l with positions. r01 brings an image's values at a whole node to [0, 1] by their
minimum and maximum (`rescale=channel`: each channel by its own), U upsamples to the image.
`completeness_gap` (N,) is how far the first line is from holding: rounding alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from implementations.arrays import Array, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods import at_zero, contributions
from implementations.methods.card import Choice, Method, once
from implementations.methods.nonlinear import piecewise_linear

METHOD = Method(
    title="FullGrad",
    paper="arXiv 1905.00780",
    at="input",
    reads="layers",
    intermediates=("signed", "heatmap"),
    per_image=("completeness_gap",),
    options={"rescale": Choice("node", ("node", "channel", "none"), "what r01 is taken over")},
    scores=("logit",),
    cost=once(),
    applies=piecewise_linear,
)


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one backward sweep that keeps the gradient of every node."""

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        values, gradients = network.values(images), network.gradients(images, targets, "logit")

        def products() -> Iterator[Array]:
            yield images * gradients["input"]
            for node in network.architecture.nodes:
                bias = network.at_zero(node.name)
                if node.kind == "relu6":
                    bias = 6.0 * (values[node.inputs[0]] > 6)
                if bias.any():
                    yield bias * gradients[node.name]

        total, signed = contributions.reference(network, products(), options.rescale)
        logits = network.score("logit", values[network.architecture.output], targets)
        return {"completeness_gap": total - logits, "signed": signed, "heatmap": signed}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """One `jax.grad` by the image and by an offset of 0 at every node."""
    import jax
    import jax.numpy as jnp

    architecture = network.architecture
    names = at_zero.biased(architecture)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        def score(images: Array, offsets: dict[str, Array]) -> tuple[Array, tuple[Array, Array]]:
            logits, outputs = network.tapped(images, offsets)
            scores = network.score("logit", logits, targets)
            return scores.sum(), (scores, outputs)

        shapes = {name: (len(images), *architecture.shapes[name]) for name in names}
        offsets = {name: jnp.zeros(shape, images.dtype) for name, shape in shapes.items()}
        slopes, (scores, outputs) = jax.grad(score, argnums=(0, 1), has_aux=True)(images, offsets)
        products = [images * slopes[0]]
        for name, gradients in slopes[1].items():
            products.append(at_zero.jax(network, architecture[name], outputs[name]) * gradients)
        total, signed = contributions.jax(network, products, options.rescale)
        return {"completeness_gap": total - scores, "signed": signed, "heatmap": signed}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """One `torch.func.grad` by the image and by an offset of 0 at every node."""
    import torch

    architecture = network.architecture
    names = at_zero.biased(architecture)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        def score(images: Array, offsets: dict[str, Array]) -> tuple[Array, tuple[Array, Array]]:
            logits, outputs = network.tapped(images, offsets)
            scores = network.score("logit", logits, targets)
            return scores.sum(), (scores, outputs)

        offsets = {}
        for name, (*size, channels) in ((name, architecture.shapes[name]) for name in names):
            offsets[name] = images.new_zeros((len(images), channels, *size))
        gradient = torch.func.grad(score, argnums=(0, 1), has_aux=True)
        slopes, (scores, outputs) = gradient(images, offsets)
        products = [images * slopes[0]]
        for name, gradients in slopes[1].items():
            products.append(at_zero.pytorch(network, architecture[name], outputs[name]) * gradients)
        total, signed = contributions.pytorch(network, products, options.rescale)
        return {"completeness_gap": total - scores, "signed": signed, "heatmap": signed}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; one gradient by the image and by an offset of 0 at every node."""
    from keras import ops

    architecture = network.architecture
    names = at_zero.biased(architecture)
    network.tap(names)

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        def score(given: dict[str, Array]) -> tuple[Array, tuple[Array, dict[str, Array]]]:
            offsets = {name: given[name] for name in names}
            logits, outputs = network.tapped(given["input"], offsets)
            scores = network.score("logit", logits, targets)
            return ops.sum(scores), (scores, outputs)

        shapes = {name: (images.shape[0], *architecture.shapes[name]) for name in names}
        given = {name: ops.zeros(shape, images.dtype) for name, shape in shapes.items()}
        gradient = network.gradient(score, has_aux=True)
        slopes, (scores, outputs) = gradient({"input": images, **given})
        products = [images * slopes["input"]]
        products += [
            at_zero.keras(network, architecture[name], outputs[name]) * slopes[name]
            for name in names
        ]
        total, signed = contributions.keras(network, products, options.rescale)
        return {"completeness_gap": total - scores, "signed": signed, "heatmap": signed}

    return compile(explain)
