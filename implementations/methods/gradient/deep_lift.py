"""DeepLIFT by the rescale rule (Shrikumar et al. 2017, arXiv 1704.02685).

What changes from a baseline x0 to the image x is handed back through the network by multipliers:

    S = sum_c (x - x0)_c m_c, signed        sum S = s_k(x) - s_k(x0), exactly

m is the gradient of the logit where a node that bends takes a quotient for its derivative. With a
and a0 what it reads at x and at x0:

    relu, relu6   m_in = m_out (f(a) - f(a0)) / (a - a0);  m_out f'(a) where a = a0
    max_pool      y, y0 the largest of a and of a0 in a window, i where the larger of the two lies,
                  the first of equals:  m_i += m_out (y - y0) / (a_i - a0_i);  m_out if a_i = a0_i

So a node is a function of the same value with that derivative, and `jax.grad` and its like do the
rest. The baseline, a grey picture, is one more image of the batch. `completeness_gap` (N,) is what
rounding leaves of the second equation.
"""

from __future__ import annotations

from implementations.architecture.node import Node
from implementations.architecture.window import cropped, padded, taps, window
from implementations.arrays import Array, Intermediates, Tensors
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods.card import Cost, Method, Number
from implementations.methods.covering import covered

LINEAR = (
    "add", "average_pool", "batch_norm", "channels", "concat", "conv", "crop", "dense", "dropout",
    "flatten", "global_average_pool", "normalise", "pad", "subtract",
)  # fmt: skip
CEILINGS = {"relu": float("inf"), "relu6": 6.0}

METHOD = Method(
    title="DeepLIFT",
    paper="arXiv 1704.02685",
    at="input",
    intermediates=("multipliers", "signed", "heatmap"),
    per_image=("completeness_gap",),
    options={"baseline": Number(0.0, 0.0, 1.0, "grey level that the image is compared with")},
    scores=("logit",),
    cost=lambda options, architecture, layer: Cost(2, 1),
    applies=covered([*LINEAR, *CEILINGS, "max_pool"]),
    sums_to=lambda options, images: options.baseline,
)


def answer(multipliers: Array, gap: Array, signed: Array) -> Intermediates:
    """All by name."""
    found = {"multipliers": multipliers, "completeness_gap": gap}
    return {**found, "signed": signed, "heatmap": signed}


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the multipliers by hand from what every node has at the baseline."""
    import numpy as np

    def quotient(rise: Array, run: Array, flat: Array) -> Array:
        return np.where(run == 0, flat, rise / np.where(run == 0, 1, run))

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        baseline = np.full_like(images[:1], options.baseline)
        start = network.values(baseline)

        def rectified(node: Node, own: Tensors, inputs: list[Array], above: Array) -> list[Array]:
            a, a0, ceiling = inputs[0], start[node.inputs[0]], CEILINGS[node.kind]
            rise = np.clip(a, 0, ceiling) - np.clip(a0, 0, ceiling)
            return [above * quotient(rise, a - a0, (a > 0) & (a < ceiling))]

        def pooled(node: Node, own: Tensors, inputs: list[Array], above: Array) -> list[Array]:
            place = window(node, inputs[0].shape[1:])
            whole = padded(inputs[0], place, -np.inf)
            whole0 = padded(start[node.inputs[0]], place, -np.inf)
            a = np.stack([whole[tap] for _, _, tap in taps(place)])
            a0 = np.stack([whole0[tap] for _, _, tap in taps(place)])
            rise = a.max(axis=0) - a0.max(axis=0)
            where = np.where(rise >= 0, a.argmax(axis=0), a0.argmax(axis=0))
            a0 = np.broadcast_to(a0, a.shape)
            run = np.take_along_axis(a, where[None], 0) - np.take_along_axis(a0, where[None], 0)
            share, spread = above * quotient(rise, run[0], 1.0), np.zeros_like(whole)
            for number, (_, _, tap) in enumerate(taps(place)):
                spread[tap] += np.where(where == number, share, 0)
            return [cropped(spread, place, inputs[0])]

        changed = network.with_backward({"relu": rectified, "relu6": rectified, "max_pool": pooled})
        multipliers = changed.gradients(images, targets, "logit")["input"]
        signed = ((images - baseline) * multipliers).sum(axis=-1)
        rise = network.score("logit", network(images) - network(baseline), targets)
        gap = signed.sum(axis=(1, 2)) - rise
        return answer(multipliers, gap, signed)

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of a network whose last image is the baseline; `stop_gradient` holds the rest."""
    import jax
    import jax.numpy as jnp

    stop, shapes = jax.lax.stop_gradient, network.architecture.shapes

    def lifted(y: Array, y0: Array, a: Array, a0: Array, flat: Array | float) -> Array:
        run = a - a0
        slope = jnp.where(run == 0, flat, (y - y0) / jnp.where(run == 0, 1, run))
        return jnp.concatenate([stop(y) + stop(slope) * (a - stop(a)), stop(y0)])

    def rectified(network: Network, node: Node, inputs: list[Array]) -> Array:
        a, y = inputs[0], network.apply(node, inputs)
        is_open = (a[:-1] > 0) & (a[:-1] < CEILINGS[node.kind])
        return lifted(y[:-1], y[-1:], a[:-1], a[-1:], is_open)

    def pooled(network: Network, node: Node, inputs: list[Array]) -> Array:
        place = window(node, shapes[node.inputs[0]])
        width = ((0, 0), *place.pads, (0, 0))
        whole = jnp.pad(inputs[0], width, constant_values=-jnp.inf)
        cells = jnp.stack([whole[tap] for _, _, tap in taps(place)])
        a, a0 = cells[:, :-1], cells[:, -1:]
        y, y0 = a.max(axis=0), a0.max(axis=0)
        where = jnp.where(y >= y0, a.argmax(axis=0), a0.argmax(axis=0))
        chosen = jnp.arange(len(cells)).reshape(-1, 1, 1, 1, 1) == where
        a, a0 = (jnp.where(chosen, each, 0).sum(axis=0) for each in (a, a0))
        return lifted(y, y0, a, a0, 1.0)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        changed = network.with_nodes({"relu": rectified, "relu6": rectified, "max_pool": pooled})
        baseline = jnp.full_like(images[:1], options.baseline)

        def score(images: Array) -> tuple[Array, Array]:
            logits = changed(jnp.concatenate([images, baseline]))
            rise = network.score("logit", logits[:-1] - stop(logits[-1:]), targets)
            return rise.sum(), rise

        multipliers, rise = jax.grad(score, has_aux=True)(images)
        signed = ((images - baseline) * multipliers).sum(axis=-1)
        gap = signed.sum(axis=(1, 2)) - rise
        return answer(multipliers, gap, signed)

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of a network whose last image is the baseline; `detach` holds the rest."""
    import torch
    import torch.nn.functional as F

    places = {
        node.name: window(node, network.architecture.shapes[node.inputs[0]])
        for node in network.architecture.nodes
        if node.kind == "max_pool"
    }

    def lifted(y: Array, y0: Array, a: Array, a0: Array, flat: Array | float) -> Array:
        run = a - a0
        slope = torch.where(run == 0, flat, (y - y0) / torch.where(run == 0, 1, run)).detach()
        return torch.cat([y.detach() + slope * (a - a.detach()), y0.detach()])

    def rectified(network: Network, node: Node, inputs: list[Array]) -> Array:
        a, y = inputs[0], network.apply(node, inputs)
        is_open = (a[:-1] > 0) & (a[:-1] < CEILINGS[node.kind])
        return lifted(y[:-1], y[-1:], a[:-1], a[-1:], is_open.to(a.dtype))

    def pooled(network: Network, node: Node, inputs: list[Array]) -> Array:
        (top, bottom), (left, right) = places[node.name].pads
        whole = F.pad(inputs[0], (left, right, top, bottom), value=-torch.inf)
        kernel, stride = places[node.name].kernel, places[node.name].stride
        largest, found = F.max_pool2d(whole.detach(), kernel, stride, return_indices=True)
        y, y0 = largest[:-1], largest[-1:]
        where = torch.where(y >= y0, found[:-1], found[-1:]).flatten(2)
        a = whole[:-1].flatten(2).gather(2, where).view_as(y)
        a0 = whole[-1:].expand_as(whole[:-1]).flatten(2).gather(2, where).view_as(y)
        return lifted(y, y0, a, a0, 1.0)

    changed = network.with_nodes({"relu": rectified, "relu6": rectified, "max_pool": pooled})

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        baseline = torch.full_like(images[:1], options.baseline)

        def score(images: Array) -> tuple[Array, Array]:
            logits = changed(torch.cat([images, baseline]))
            rise = network.score("logit", logits[:-1] - logits[-1:].detach(), targets)
            return rise.sum(), rise

        multipliers, rise = torch.func.grad(score, has_aux=True)(images)
        signed = ((images - baseline) * multipliers).sum(dim=1)
        gap = signed.sum(dim=(1, 2)) - rise
        return answer(multipliers, gap, signed)

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout, the network's gradient; nothing in a node makes an operation."""
    from keras import ops

    stop, shapes = ops.stop_gradient, network.architecture.shapes

    def lifted(y: Array, y0: Array, a: Array, a0: Array, flat: Array) -> Array:
        run, one = a - a0, ops.ones_like(a)
        slope = ops.where(run == 0, flat, (y - y0) / ops.where(run == 0, one, run))
        return ops.concatenate([stop(y) + stop(slope) * (a - stop(a)), stop(y0)])

    def rectified(network: KerasNetwork, node: Node, inputs: list[Array]) -> Array:
        a, y = inputs[0], network.apply(node, inputs)
        is_open = ops.logical_and(a[:-1] > 0, a[:-1] < CEILINGS[node.kind])
        return lifted(y[:-1], y[-1:], a[:-1], a[-1:], ops.cast(is_open, a.dtype))

    def pooled(network: KerasNetwork, node: Node, inputs: list[Array]) -> Array:
        place, whole = window(node, shapes[node.inputs[0]]), inputs[0]
        for axis, pads in enumerate(place.pads, 1):
            around = [(*whole.shape[:axis], pad, *whole.shape[axis + 1 :]) for pad in pads]
            before, after = (ops.full(shape, -float("inf"), whole.dtype) for shape in around)
            whole = ops.concatenate([before, whole, after], axis)
        cells = ops.stack([whole[tap] for _, _, tap in taps(place)])
        a, a0 = cells[:, :-1], cells[:, -1:]
        y, y0 = ops.amax(a, axis=0), ops.amax(a0, axis=0)
        count = cells.shape[0]
        numbers = ops.reshape(ops.arange(count, dtype="int32"), (-1, 1, 1, 1, 1))
        first, first0 = (
            ops.amin(ops.where(each == most, numbers, count), axis=0)
            for each, most in ((a, y), (a0, y0))
        )
        chosen = numbers == ops.where(y >= y0, first, first0)
        a, a0 = (ops.sum(ops.where(chosen, each, ops.zeros_like(each)), axis=0) for each in (a, a0))
        return lifted(y, y0, a, a0, ops.ones_like(y))

    changed = network.with_nodes({"relu": rectified, "relu6": rectified, "max_pool": pooled})

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        baseline = ops.full_like(images[:1], options.baseline)

        def score(images: Array) -> tuple[Array, Array]:
            logits = changed(ops.concatenate([images, baseline]))
            rise = network.score("logit", logits[:-1] - stop(logits[-1:]), targets)
            return ops.sum(rise), rise

        multipliers, rise = network.gradient(score, has_aux=True)(images)
        signed = ops.sum((images - baseline) * multipliers, axis=-1)
        gap = ops.sum(signed, axis=(1, 2)) - rise
        return answer(multipliers, gap, signed)

    return compile(explain)
