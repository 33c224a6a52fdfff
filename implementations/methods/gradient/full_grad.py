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

from implementations.architecture.graph import Architecture
from implementations.arrays import Array, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
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

STATISTICS = ("scale", "offset", "mean", "variance")
"""A batch norm's own weights."""


def biased(architecture: Architecture) -> list[str]:
    """The nodes that contribute more than they read."""
    kinds = ("conv", "dense", "batch_norm", "normalise", "relu6")
    return [n.name for n in architecture.nodes if n.kind in kinds and n.settings.get("bias", True)]


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, one backward sweep that keeps the gradient of every node."""
    import numpy as np

    def rescaled(values: Array) -> Array:
        if options.rescale == "none":
            return values
        axes = (1, 2) if options.rescale == "channel" else (1, 2, 3)
        lowest = values.min(axis=axes, keepdims=True)
        extent = values.max(axis=axes, keepdims=True) - lowest
        return (values - lowest) / np.where(extent > 0, extent, 1)

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        values, gradients = network.values(images), network.gradients(images, targets, "logit")
        product = images * gradients["input"]
        total, signed = product.sum(axis=(1, 2, 3)), rescaled(np.abs(product)).sum(axis=-1)
        for node in network.architecture.nodes:
            bias = network.at_zero(node.name)
            if node.kind == "relu6":
                bias = 6.0 * (values[node.inputs[0]] > 6)
            if not bias.any():
                continue
            product = bias * gradients[node.name]
            total = total + product.reshape(len(images), -1).sum(axis=1)
            if product.ndim == 4:
                maps = rescaled(np.abs(product)).sum(axis=-1)
                signed = signed + network.resize(maps, images.shape[1:3])
        logits = network.score("logit", values[network.architecture.output], targets)
        return {"completeness_gap": total - logits, "signed": signed, "heatmap": signed}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """One `jax.grad` by the image and by an offset of 0 at every node."""
    import jax
    import jax.numpy as jnp

    architecture = network.architecture
    names = biased(architecture)

    def bias(network: Network, name: str, output: Array) -> Array:
        node = architecture[name]
        match node.kind:
            case "relu6":
                return jnp.where(output >= 6, output, 0)
            case "normalise":
                return -jnp.asarray(node["mean"], output.dtype) / jnp.asarray(
                    node["deviation"], output.dtype
                )
            case "batch_norm":
                scale, offset, mean, variance = (network.tensor(f"{name}.{p}") for p in STATISTICS)
                return offset - mean * scale / jnp.sqrt(variance + node["epsilon"])
        return network.tensor(f"{name}.bias")

    def rescaled(values: Array) -> Array:
        if options.rescale == "none":
            return values
        axes = (1, 2) if options.rescale == "channel" else (1, 2, 3)
        lowest = values.min(axis=axes, keepdims=True)
        extent = values.max(axis=axes, keepdims=True) - lowest
        return (values - lowest) / jnp.where(extent > 0, extent, 1)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        def score(images: Array, offsets: dict[str, Array]) -> tuple[Array, tuple[Array, Array]]:
            logits, outputs = network.tapped(images, offsets)
            scores = network.score("logit", logits, targets)
            return scores.sum(), (scores, outputs)

        shapes = {name: (len(images), *architecture.shapes[name]) for name in names}
        offsets = {name: jnp.zeros(shape, images.dtype) for name, shape in shapes.items()}
        slopes, (scores, outputs) = jax.grad(score, argnums=(0, 1), has_aux=True)(images, offsets)
        product = images * slopes[0]
        total, signed = product.sum(axis=(1, 2, 3)), rescaled(jnp.abs(product)).sum(axis=-1)
        for name, gradients in slopes[1].items():
            product = bias(network, name, outputs[name]) * gradients
            total += product.reshape(len(images), -1).sum(axis=1)
            if product.ndim == 4:
                maps = rescaled(jnp.abs(product)).sum(axis=-1)
                signed += network.resize(maps, images.shape[1:3])
        return {"completeness_gap": total - scores, "signed": signed, "heatmap": signed}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """One `torch.func.grad` by the image and by an offset of 0 at every node."""
    import torch

    architecture = network.architecture
    names = biased(architecture)

    def bias(network: Network, name: str, output: Array) -> Array:
        node = architecture[name]
        match node.kind:
            case "relu6":
                return torch.where(output >= 6, output, 0)
            case "normalise":
                vector = -output.new_tensor(node["mean"]) / output.new_tensor(node["deviation"])
            case "batch_norm":
                scale, offset, mean, variance = (network.tensor(f"{name}.{p}") for p in STATISTICS)
                vector = offset - mean * scale / torch.sqrt(variance + node["epsilon"])
            case _:
                vector = network.tensor(f"{name}.bias")
        return vector[:, None, None] if output.ndim == 4 else vector

    def rescaled(values: Array) -> Array:
        if options.rescale == "none":
            return values
        axes = (2, 3) if options.rescale == "channel" else (1, 2, 3)
        lowest = values.amin(dim=axes, keepdim=True)
        extent = values.amax(dim=axes, keepdim=True) - lowest
        return (values - lowest) / torch.where(extent > 0, extent, 1)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        def score(images: Array, offsets: dict[str, Array]) -> tuple[Array, tuple[Array, Array]]:
            logits, outputs = network.tapped(images, offsets)
            scores = network.score("logit", logits, targets)
            return scores.sum(), (scores, outputs)

        offsets = {}
        for name in names:
            *size, channels = architecture.shapes[name]
            offsets[name] = images.new_zeros((len(images), channels, *size))
        gradient = torch.func.grad(score, argnums=(0, 1), has_aux=True)
        slopes, (scores, outputs) = gradient(images, offsets)
        product = images * slopes[0]
        total, signed = product.sum(dim=(1, 2, 3)), rescaled(product.abs()).sum(dim=1)
        for name, gradients in slopes[1].items():
            product = bias(network, name, outputs[name]) * gradients
            total = total + product.flatten(1).sum(dim=1)
            if product.ndim == 4:
                maps = rescaled(product.abs()).sum(dim=1)
                signed = signed + network.resize(maps, images.shape[2:])
        return {"completeness_gap": total - scores, "signed": signed, "heatmap": signed}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; one gradient by the image and by an offset of 0 at every node."""
    from keras import ops

    architecture = network.architecture
    names = biased(architecture)
    network.tap(names)

    def bias(network: KerasNetwork, name: str, output: Array) -> Array:
        node = architecture[name]
        match node.kind:
            case "relu6":
                return ops.where(output >= 6, output, ops.zeros_like(output))
            case "normalise":
                mean, deviation = (
                    ops.convert_to_tensor(node[part], output.dtype)
                    for part in ("mean", "deviation")
                )
                return -mean / deviation
            case "batch_norm":
                scale, offset, mean, variance = (network.tensor(f"{name}.{p}") for p in STATISTICS)
                return offset - mean * scale / ops.sqrt(variance + node["epsilon"])
        return network.tensor(f"{name}.bias")

    def rescaled(values: Array) -> Array:
        if options.rescale == "none":
            return values
        axes = (1, 2) if options.rescale == "channel" else (1, 2, 3)
        lowest = ops.amin(values, axes, True)
        extent = ops.amax(values, axes, True) - lowest
        return (values - lowest) / ops.where(extent > 0, extent, ops.ones_like(extent))

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        def score(given: dict[str, Array]) -> tuple[Array, tuple[Array, dict[str, Array]]]:
            offsets = {name: given[name] for name in names}
            logits, outputs = network.tapped(given["input"], offsets)
            scores = network.score("logit", logits, targets)
            return ops.sum(scores), (scores, outputs)

        number, height, width, _ = images.shape
        shapes = {name: (number, *architecture.shapes[name]) for name in names}
        given = {name: ops.zeros(shape, images.dtype) for name, shape in shapes.items()}
        gradient = network.gradient(score, has_aux=True)
        slopes, (scores, outputs) = gradient({"input": images, **given})
        product = images * slopes["input"]
        total = ops.sum(product, axis=(1, 2, 3))
        signed = ops.sum(rescaled(ops.abs(product)), axis=-1)
        for name in names:
            product = bias(network, name, outputs[name]) * slopes[name]
            total = total + ops.sum(ops.reshape(product, (number, -1)), axis=1)
            if len(product.shape) == 4:
                maps = ops.sum(rescaled(ops.abs(product)), axis=-1)
                signed = signed + network.resize(maps, (height, width))
        return {"completeness_gap": total - scores, "signed": signed, "heatmap": signed}

    return compile(explain)
