"""The rescale rule of DeepLIFT, which `gradient/deep_lift.py` spells out, node by node.

Each framework's functions are of a batch whose last image is the baseline: a node has its own value
and the rule's quotient for a derivative. The oracle's are rules by hand.
"""

from __future__ import annotations

from collections.abc import Mapping

from implementations.architecture.kinds import Backward
from implementations.architecture.node import Node
from implementations.architecture.window import cropped, padded, taps, window
from implementations.arrays import Array, Tensors
from implementations.contract import KerasNetwork, Network, NodeFunction

LINEAR = (
    "add", "average_pool", "batch_norm", "channels", "concat", "conv", "crop", "dense", "dropout",
    "flatten", "global_average_pool", "normalise", "pad", "subtract",
)  # fmt: skip
"""Kinds whose own gradient is the rule."""
CEILINGS = {"relu": float("inf"), "relu6": 6.0}
RULED = (*LINEAR, *CEILINGS, "max_pool")


def reference(start: Mapping[str, Array]) -> Mapping[str, Backward]:
    """Kind of node -> its rule by hand, of the values that all nodes have at the baseline."""
    import numpy as np

    def quotient(rise: Array, run: Array, flat: Array) -> Array:
        return np.where(run == 0, flat, rise / np.where(run == 0, 1, run))

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

    return {"relu": rectified, "relu6": rectified, "max_pool": pooled}


def jax(network: Network) -> Mapping[str, NodeFunction]:
    """Kind of node -> the function that has its rule for a derivative; all else is held."""
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

    return {"relu": rectified, "relu6": rectified, "max_pool": pooled}


def pytorch(network: Network) -> Mapping[str, NodeFunction]:
    """Kind of node -> the function that has its rule for a derivative; all else is held."""
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

    return {"relu": rectified, "relu6": rectified, "max_pool": pooled}


def keras(network: KerasNetwork) -> Mapping[str, NodeFunction]:
    """Kind of node -> the function with its rule for a derivative; it makes no operations."""
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

    return {"relu": rectified, "relu6": rectified, "max_pool": pooled}
