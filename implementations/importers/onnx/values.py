"""A value of the file: a node of ours and which axes it lies in; and what operators ask of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.node import Shape
from implementations.arrays import Floats
from implementations.importers.onnx import axes as lying
from implementations.importers.onnx.axes import (
    BATCH,
    CHANNELS,
    HEIGHT,
    WIDTH,
    Axes,
    Axis,
    length,
    only,
    places,
    whole,
)
from implementations.importers.onnx.draft import Network, Refusal, per_channel


@dataclass(frozen=True)
class Value:
    """What a node of ours gives, as the file's axes have it."""

    node: str
    shape: Shape
    axes: Axes

    @property
    def sizes(self) -> tuple[int, ...]:
        """The file's shape of it, with the batch."""
        return tuple(map(length, self.axes))

    @property
    def channels(self) -> int:
        """How many channels or features."""
        return self.shape[-1]

    @property
    def batch(self) -> Axis:
        """The axis of the batch. Raises Refusal where all values are one row."""
        alone = [axis for axis in self.axes if len(axis) == 1 and axis[0].axis == BATCH]
        if not alone:
            raise Refusal("it works on all images in one row; export the network with a free batch")
        return alone[0]

    def positive(self, axis: Any) -> int:
        """An axis counted from the front. Raises Refusal for one that is not there."""
        if not -len(self.axes) <= int(axis) < len(self.axes):
            raise Refusal(f"it names axis {axis} of {len(self.axes)}")
        return int(axis) % len(self.axes)

    def is_map(self) -> bool:
        """Whether it is (batch, channels, height, width) as it lies."""
        if len(self.shape) != 3 or len(self.axes) != 4:
            return False
        height, width, channels = self.shape
        return self.axes[2:] == (whole(HEIGHT, height), whole(WIDTH, width)) and (
            only(self.axes[1], CHANNELS) and length(self.axes[1]) == channels
        )

    def is_point(self) -> bool:
        """Whether it is (batch, channels, 1, 1): a vector in a map's clothes."""
        return len(self.shape) == 1 and len(self.axes) == 4 and self.axes[2:] == ((), ())


def as_map(node: str, shape: Shape, batch: Axis) -> Value:
    """A node's output (h, w, c) in the file's order (batch, channels, height, width)."""
    height, width, channels = shape
    named = (whole(CHANNELS, channels), whole(HEIGHT, height), whole(WIDTH, width))
    return Value(node, shape, (batch, *named))


def as_point(node: str, channels: int, batch: Axis) -> Value:
    """A vector that the file has as (batch, channels, 1, 1)."""
    return Value(node, (channels,), (batch, whole(CHANNELS, channels), (), ()))


def as_vector(node: str, features: int, batch: Axis) -> Value:
    """A vector (batch, features)."""
    return Value(node, (features,), (batch, whole(CHANNELS, features)))


def ordered(network: Network, value: Value, axis: int, origin: str) -> Value:
    """The same value with whole channels along this axis: put in order, where they are not.

    Raises Refusal where the axis is not the channels'.
    """
    held = value.axes[axis]
    if held == whole(CHANNELS, value.channels):
        return value
    if not only(held, CHANNELS) or length(held) != value.channels:
        raise Refusal("the axis it works along is not that of the channels")
    order = [int(place) for place in places(held, {CHANNELS: 1})]
    made = network.add("order", [value.node], {"order": order}, origin=origin)
    lying_now = list(value.axes)
    lying_now[axis] = whole(CHANNELS, value.channels)
    return Value(made, value.shape, tuple(lying_now))


def features(network: Network, value: Value, origin: str) -> tuple[str, NDArray[np.intp]]:
    """A node that gives a value (batch, features) as a vector, and each feature's place in it.

    Raises Refusal where the file's value is not (batch, features).
    """
    axes = value.axes
    if len(axes) != 2 or axes[0] != value.batch:
        raise Refusal("a product of more than (batch, features) is not known here")
    if len(value.shape) == 1:
        return value.node, places(axes[1], {CHANNELS: 1})
    _, width, channels = value.shape
    steps = {HEIGHT: width * channels, WIDTH: channels, CHANNELS: 1}
    return network.add("flatten", [value.node], origin=origin), places(axes[1], steps)


def channelwise(value: Value, constant: NDArray[Any]) -> Floats:
    """A constant that is spread over a value, as one number a channel. Raises Refusal."""
    held = np.asarray(constant, np.float64)
    if held.size == 1:
        return per_channel(held.item(), value.channels)
    sizes = (1,) * (len(value.axes) - held.ndim) + held.shape
    if len(sizes) != len(value.axes):
        raise Refusal("its constant has more axes than what it is combined with")
    varying = [n for n, size in enumerate(sizes) if size != 1]
    axis: Axis = tuple(atom for n in varying for atom in value.axes[n])
    if any(sizes[n] != length(value.axes[n]) for n in varying):
        raise Refusal("its constant is larger than what it is combined with")
    if not only(axis, CHANNELS) or math.prod(held.shape) != value.channels:
        raise Refusal("its constant varies along more than the channels")
    found = np.empty(value.channels)
    found[places(axis, {CHANNELS: 1})] = held.ravel()
    return found


def alike(network: Network, first: Value, second: Value, origin: str) -> tuple[Value, Value]:
    """Two values of one shape that lie in the same axes. Raises Refusal."""
    if first.axes != second.axes:
        raise Refusal("what it joins does not lie alike, or is of other sizes")
    if first.shape == second.shape:
        return first, second
    return flat(network, first, origin), flat(network, second, origin)


def flat(network: Network, value: Value, origin: str) -> Value:
    """A map of one position as the vector that it is. Raises Refusal for a larger one."""
    if len(value.shape) == 1:
        return value
    if value.shape[:2] != (1, 1):
        raise Refusal("what it joins does not lie alike, or is of other sizes")
    made = network.add("flatten", [value.node], origin=origin)
    return Value(made, (value.channels,), value.axes)


def regrouped(value: Value, sizes: tuple[int, ...]) -> Value:
    """The value after a reshape. Raises Refusal."""
    try:
        return Value(value.node, value.shape, lying.regroup(value.axes, sizes))
    except ValueError as error:
        raise Refusal(str(error)) from error
