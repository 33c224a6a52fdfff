"""Every kind of node in float64 NumPy, forward and backward, each backward derived by hand.

Arrays are (N, H, W, C) or (N, C). A sliding window is a loop over the offsets inside the window:
at each offset a strided slice of the padded input, `taps`, meets every position of the window at
once. Written to be checked by eye, not to be fast.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.graph import Node
from implementations.architecture.shapes import Window, window

Floats = NDArray[np.float64]
Tensors = Mapping[str, Floats]
Tap = tuple[slice, slice, slice]


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """The output of a node; `tensors` are its own weights by their short name (`kernel`)."""
    return _FORWARD[node.kind](node, tensors, inputs)


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """The gradient for each input, given the one for the output."""
    return _BACKWARD[node.kind](node, tensors, inputs, gradient)


def taps(place: Window) -> Iterator[tuple[int, int, Tap]]:
    """Offsets (i, j) in a window, row-major, each with the slice of the padded input it meets."""
    (height, width), (down, right) = place.size, place.stride
    for i in range(place.kernel[0]):
        for j in range(place.kernel[1]):
            top, left = i * place.dilation[0], j * place.dilation[1]
            rows = slice(top, top + (height - 1) * down + 1, down)
            yield i, j, (slice(None), rows, slice(left, left + (width - 1) * right + 1, right))


def padded(images: Floats, place: Window, fill: float) -> Floats:
    """The images with the window's pads around them."""
    return np.pad(images, ((0, 0), *place.pads, (0, 0)), constant_values=fill)


def _cropped(images: Floats, place: Window, like: Floats) -> Floats:
    (top, _), (left, _) = place.pads
    return images[:, top : top + like.shape[1], left : left + like.shape[2]]


def _conv(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    place = window(node, inputs[0].shape[1:])
    images, groups, kernel = padded(inputs[0], place, 0.0), node["groups"], tensors["kernel"]
    total = np.zeros((groups, len(images) * math.prod(place.size), node["filters"] // groups))
    for i, j, tap in taps(place):
        total += _grouped(images[tap], groups) @ _grouped(kernel[i, j], groups)
    output = _ungrouped(total, (len(images), *place.size))
    return output + tensors["bias"] if node["bias"] else output


def _conv_back(
    node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats
) -> list[Floats]:
    place = window(node, inputs[0].shape[1:])
    spread = np.zeros_like(padded(inputs[0], place, 0.0))
    groups, kernel = node["groups"], tensors["kernel"]
    grouped = _grouped(gradient, groups)
    for i, j, tap in taps(place):
        part = grouped @ _grouped(kernel[i, j], groups).swapaxes(1, 2)
        spread[tap] += _ungrouped(part, gradient.shape[:3])
    return [_cropped(spread, place, inputs[0])]


def _grouped(array: Floats, groups: int) -> Floats:
    """(..., groups * n) to (groups, everything else, n)."""
    return array.reshape(-1, groups, array.shape[-1] // groups).swapaxes(0, 1)


def _ungrouped(array: Floats, shape: tuple[int, ...]) -> Floats:
    return array.swapaxes(0, 1).reshape(*shape, -1)


def _max_pool(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    place = window(node, inputs[0].shape[1:])
    images = padded(inputs[0], place, -np.inf)
    largest = np.full((len(images), *place.size, images.shape[-1]), -np.inf)
    for _, _, tap in taps(place):
        largest = np.maximum(largest, images[tap])
    return largest


def _max_pool_back(
    node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats
) -> list[Floats]:
    place = window(node, inputs[0].shape[1:])
    images, largest = padded(inputs[0], place, -np.inf), _max_pool(node, tensors, inputs)
    spread, taken = np.zeros_like(images), np.zeros(largest.shape, bool)
    for _, _, tap in taps(place):
        first = (images[tap] == largest) & ~taken
        spread[tap] += np.where(first, gradient, 0.0)
        taken |= first
    return [_cropped(spread, place, inputs[0])]


def _counts(node: Node, place: Window, shape: tuple[int, ...]) -> Floats:
    """Cells that each average is over, (1, h, w, 1). What ceil mode adds never counts."""
    inside = np.pad(np.ones((1, *shape[1:3], 1)), ((0, 0), *place.pads, (0, 0)))
    if node["count_padding"]:
        given = place.pads if node["padding"] == "same" else node["padding"]
        (_, bottom), (_, right) = ((0, 0), (0, 0)) if given == "valid" else given
        (top, _), (left, _) = place.pads
        inside[:, : top + shape[1] + bottom, : left + shape[2] + right] = 1.0
    counts = np.zeros((1, *place.size, 1))
    for _, _, tap in taps(place):
        counts += inside[tap]
    return counts


def _average_pool(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    place = window(node, inputs[0].shape[1:])
    images = padded(inputs[0], place, 0.0)
    total = np.zeros((len(images), *place.size, images.shape[-1]))
    for _, _, tap in taps(place):
        total += images[tap]
    return total / _counts(node, place, inputs[0].shape)


def _average_pool_back(
    node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats
) -> list[Floats]:
    place = window(node, inputs[0].shape[1:])
    spread = np.zeros_like(padded(inputs[0], place, 0.0))
    share = gradient / _counts(node, place, inputs[0].shape)
    for _, _, tap in taps(place):
        spread[tap] += share
    return [_cropped(spread, place, inputs[0])]


def _dense(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    output = inputs[0] @ tensors["kernel"]
    return output + tensors["bias"] if node["bias"] else output


def _deviation(node: Node, tensors: Tensors) -> Floats:
    deviation: Floats = np.sqrt(tensors["variance"] + node["epsilon"])
    return deviation


def _batch_norm(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    centred = (inputs[0] - tensors["mean"]) / _deviation(node, tensors)
    return centred * tensors["scale"] + tensors["offset"]


def _gap_back(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    places = math.prod(inputs[0].shape[1:3])
    return [np.broadcast_to(gradient[:, None, None, :] / places, inputs[0].shape)]


def _concat_back(
    node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats
) -> list[Floats]:
    ends = np.cumsum([array.shape[-1] for array in inputs])
    return np.split(gradient, ends[:-1], axis=-1)


def _pad(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    return np.pad(inputs[0], ((0, 0), *node["spatial"], node["channels"]))


def _pad_back(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    starts = [before for before, _ in (*node["spatial"], node["channels"])]
    ends = [start + n for start, n in zip(starts, inputs[0].shape[1:], strict=True)]
    inside = tuple(slice(start, end) for start, end in zip(starts, ends, strict=True))
    cropped: Floats = gradient[(slice(None), *inside)]
    return [cropped]


def _order(node: Node) -> list[int]:
    return list(node["order"] if node["order"] is not None else range(len(node["mean"])))


def _normalise(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    centred: Floats = inputs[0][..., _order(node)] - np.array(node["mean"])
    scaled: Floats = centred / np.array(node["deviation"])
    return scaled


def _normalise_back(
    node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats
) -> list[Floats]:
    back = np.empty_like(gradient)
    back[..., _order(node)] = gradient / np.array(node["deviation"])
    return [back]


_FORWARD: dict[str, Callable[[Node, Tensors, list[Floats]], Floats]] = {
    "conv": _conv,
    "dense": _dense,
    "batch_norm": _batch_norm,
    "relu": lambda node, tensors, inputs: np.maximum(inputs[0], 0.0),
    "relu6": lambda node, tensors, inputs: np.clip(inputs[0], 0.0, 6.0),
    "max_pool": _max_pool,
    "average_pool": _average_pool,
    "global_average_pool": lambda node, tensors, inputs: inputs[0].mean(axis=(1, 2)),
    "flatten": lambda node, tensors, inputs: inputs[0].reshape(len(inputs[0]), -1),
    "dropout": lambda node, tensors, inputs: inputs[0],
    "add": lambda node, tensors, inputs: sum(inputs[1:], inputs[0]),
    "concat": lambda node, tensors, inputs: np.concatenate(inputs, axis=-1),
    "pad": _pad,
    "normalise": _normalise,
}

_BACKWARD: dict[str, Callable[[Node, Tensors, list[Floats], Floats], list[Floats]]] = {
    "conv": _conv_back,
    "dense": lambda node, tensors, inputs, gradient: [gradient @ tensors["kernel"].T],
    "batch_norm": lambda node, tensors, inputs, gradient: [
        gradient * (tensors["scale"] / _deviation(node, tensors))
    ],
    "relu": lambda node, tensors, inputs, gradient: [gradient * (inputs[0] > 0)],
    "relu6": lambda node, tensors, inputs, gradient: [
        gradient * ((inputs[0] > 0) & (inputs[0] < 6))
    ],
    "max_pool": _max_pool_back,
    "average_pool": _average_pool_back,
    "global_average_pool": _gap_back,
    "flatten": lambda node, tensors, inputs, gradient: [gradient.reshape(inputs[0].shape)],
    "dropout": lambda node, tensors, inputs, gradient: [gradient],
    "add": lambda node, tensors, inputs, gradient: [gradient for _ in inputs],
    "concat": _concat_back,
    "pad": _pad_back,
    "normalise": _normalise_back,
}
