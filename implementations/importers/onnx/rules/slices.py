"""Operators that take parts of a value, put parts together, or zeros around."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from implementations.importers.onnx.axes import CHANNELS, HEIGHT, WIDTH, only, whole
from implementations.importers.onnx.draft import Refusal
from implementations.importers.onnx.file import Op
from implementations.importers.onnx.values import Value, flat, ordered, regrouped
from implementations.importers.onnx.walk import Known, Walk, rule


def _channels(walk: Walk, value: Value, axis: int, start: int, stop: int, origin: str) -> Value:
    """A range of the channels along an axis of the file."""
    held = ordered(walk.network, value, axis, origin)
    if len(held.shape) != 3:
        raise Refusal("it takes features out of a vector")
    made = walk.network.add("channels", [held.node], {"start": start, "stop": stop}, origin=origin)
    axes = list(held.axes)
    axes[axis] = whole(CHANNELS, stop - start)
    return Value(made, (*held.shape[:2], stop - start), tuple(axes))


def _permuted(walk: Walk, value: Value, axis: int, order: list[int], origin: str) -> Value:
    """The channels along an axis of the file in another order."""
    held = ordered(walk.network, value, axis, origin)
    made = walk.network.add("order", [held.node], {"order": order}, origin=origin)
    return Value(made, held.shape, held.axes)


@rule("Gather")
def gather(walk: Walk, op: Op) -> list[Known]:
    """All of an axis (a reshape), a channel, a range of them, or all in another order.

    PyTorch writes `as_strided` as a row of all values and their places in it.
    """
    value, indices = walk.value(op), walk.weights(op, 1)
    axis = value.positive(op.get("axis", 0))
    size, places = value.sizes[axis], np.ravel(indices)
    if np.any(places < -size) or np.any(places >= size):
        raise Refusal("it takes what is not there")
    sizes = (*value.sizes[:axis], *np.shape(indices), *value.sizes[axis + 1 :])
    if np.array_equal(places % size, np.arange(size)):
        return [regrouped(value, sizes)]
    found = [int(place) for place in places % size]
    if sorted(found) == [*range(size)]:
        return [regrouped(_permuted(walk, value, axis, found, op.name), sizes)]
    if found and found == [*range(found[0], found[-1] + 1)]:
        part = _channels(walk, value, axis, found[0], found[-1] + 1, op.name)
        return [regrouped(part, sizes)]
    raise Refusal("it takes channels that do not stand side by side")


@rule("Slice")
def slices(walk: Walk, op: Op) -> list[Known]:
    """A range of the channels, the channels backwards, or a crop."""
    value = walk.value(op)
    starts, ends = walk.listed(op, "starts", 1), walk.listed(op, "ends", 2)
    if starts is None or ends is None:
        raise Refusal("where it starts and ends is missing")
    axes = walk.listed(op, "axes", 3) or [*range(len(starts))]
    steps = walk.listed(op, "steps", 4) or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = value.positive(axis)
        size = value.sizes[place]
        taken = range(size)[slice(start, end, step)] if step else range(0)
        if [*taken[:2]] == [0, 1][:size] and len(taken) == size:
            continue
        if not taken:
            raise Refusal("it takes nothing")
        if only(value.axes[place], CHANNELS) and step == 1:
            value = _channels(walk, value, place, taken[0], taken[-1] + 1, op.name)
        elif only(value.axes[place], CHANNELS) and len(taken) == size:
            value = _permuted(walk, value, place, [*taken], op.name)
        elif step == 1:
            value = _cropped(walk, value, place, taken[0], size - taken[-1] - 1, op.name)
        else:
            raise Refusal("it takes every few positions of an axis")
    return [value]


def _cropped(walk: Walk, value: Value, axis: int, before: int, after: int, origin: str) -> Value:
    """A map without its first and last rows or columns."""
    height, width, channels = value.shape if len(value.shape) == 3 else (0, 0, 0)
    for place, (name, size) in enumerate(((HEIGHT, height), (WIDTH, width))):
        if value.axes[axis] == whole(name, size) and size > 1:
            cut = [[0, 0], [0, 0]]
            cut[place] = [before, after]
            made = walk.network.add("crop", [value.node], {"spatial": cut}, origin=origin)
            axes = list(value.axes)
            axes[axis] = whole(name, size - before - after)
            sizes = [height, width]
            sizes[place] -= before + after
            return Value(made, (*sizes, channels), tuple(axes))
    raise Refusal("it cuts an axis that is neither channels, rows nor columns")


@rule("Split")
def split(walk: Walk, op: Op) -> list[Known]:
    """Ranges of the channels, side by side."""
    value = walk.value(op)
    axis = value.positive(op.get("axis", 0))
    size, parts = value.sizes[axis], len(op.outputs)
    each = math.ceil(size / parts)
    sizes = walk.listed(op, "split", 1) or [
        min(each, size - n * each) for n in range(parts)
    ]  # fmt: skip
    if sum(sizes) != size or min(sizes) < 1 or len(sizes) != parts:
        raise Refusal(f"it splits {size} into {sizes}")
    ends = np.cumsum(sizes)
    return [
        _channels(walk, value, axis, int(end) - part, int(end), op.name)
        for part, end in zip(sizes, ends, strict=True)
    ]


@rule("Concat")
def concat(walk: Walk, op: Op) -> list[Known]:
    """Channels side by side."""
    values = [walk.value(op, n) for n in range(len(op.inputs))]
    axis = values[0].positive(op.get("axis", 0))
    values = [ordered(walk.network, value, axis, op.name) for value in values]
    if len(values) == 1:
        return [*values]
    if len({len(value.shape) for value in values}) > 1:
        values = [flat(walk.network, value, op.name) for value in values]
    others = {(*v.axes[:axis], *v.axes[axis + 1 :]) for v in values}
    if len(others) > 1:
        raise Refusal("what it joins does not lie alike, or is of other sizes")
    made = walk.network.add("concat", [value.node for value in values], origin=op.name)
    shape = walk.network.shapes[made]
    axes = list(values[0].axes)
    axes[axis] = whole(CHANNELS, shape[-1])
    return [Value(made, shape, tuple(axes))]


@rule("Pad")
def pad(walk: Walk, op: Op) -> list[Known]:
    """Constants around a map: zeros, or minus infinity before a max-pool; negative ones crop.

    The edge repeated is minus infinity to a max-pool whose every window has some of the map.
    """
    value = walk.value(op)
    mode = op.get("mode", "constant")
    if mode not in ("constant", "edge"):
        raise Refusal(f"it pads by {mode}; zeros alone are known here")
    pads = walk.listed(op, "pads", 1)
    named = walk.constant(op, 3)
    if pads is None:
        raise Refusal("how much it pads is missing")
    axes = [*range(len(value.axes))] if named is None else [int(axis) for axis in named.ravel()]
    if len(pads) != 2 * len(axes):
        raise Refusal("how much it pads does not fit its input")
    given = walk.constant(op, 2)
    fill = float(op.get("value", 0.0) if given is None else given.item())
    around = [[0, 0], [0, 0], [0, 0]]
    for n, axis in enumerate(axes):
        before, after = pads[n], pads[n + len(axes)]
        if before < 0 or after < 0:
            value = _cropped(
                walk, value, value.positive(axis), max(-before, 0), max(-after, 0), op.name
            )
        place = _place(value, value.positive(axis), max(before, 0) + max(after, 0))
        around[place][0] += max(before, 0)
        around[place][1] += max(after, 0)
    if not np.any(around):
        return [value]
    settings: dict[str, Any] = {"spatial": around[:2], "channels": around[2], "by": mode}
    if mode == "edge":
        fill = -math.inf
    if fill not in (0.0, -math.inf):
        raise Refusal(f"it pads with {fill:g}; zeros alone are known here")
    kind = "pad" if fill == 0 else "border"
    if kind == "pad":
        del settings["by"]
    made = walk.network.add(kind, [value.node], settings, origin=op.name)
    height, width, channels = walk.network.shapes[made]
    new = {
        value.axes.index(whole(name, size)): whole(name, now)
        for name, size, now in zip(
            (HEIGHT, WIDTH, CHANNELS), value.shape, (height, width, channels), strict=True
        )
        if size != now
    }
    lying = tuple(new.get(n, axis) for n, axis in enumerate(value.axes))
    return [Value(made, (height, width, channels), lying)]


def _place(value: Value, axis: int, padded: int) -> int:
    """Which of height, width and channels an axis of the file is."""
    if not padded:
        return 0
    held = value.axes[axis]
    if len(value.shape) == 3 and held:
        for place, name in enumerate((HEIGHT, WIDTH, CHANNELS)):
            if held == whole(name, value.shape[place]):
                return place
    raise Refusal("it pads an axis that is neither channels, rows nor columns")
