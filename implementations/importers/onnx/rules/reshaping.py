"""Operators that move values and compute nothing: the axes follow them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from implementations.importers.onnx.draft import Refusal
from implementations.importers.onnx.file import Op
from implementations.importers.onnx.values import Value, regrouped
from implementations.importers.onnx.walk import Known, Walk, rule

FLOATS = (1, 10, 11, 16)
"""ONNX's numbers of the floating types."""


@rule("Identity", "CastLike")
def identity(walk: Walk, op: Op) -> list[Known]:
    """The value itself."""
    return [walk.value(op)]


@rule("Cast")
def cast(walk: Walk, op: Op) -> list[Known]:
    """The value itself, where it stays a real number."""
    if op.get("to", 1) not in FLOATS:
        raise Refusal("it makes whole numbers of the values")
    return [walk.value(op)]


@rule("Dropout")
def dropout(walk: Walk, op: Op) -> list[Known]:
    """A node that does nothing when a network explains."""
    value = walk.value(op)
    training = walk.constant(op, 2)
    if training is not None and bool(np.any(training)):
        raise Refusal("the network was exported while training; call model.eval() before")
    given = walk.constant(op, 1)
    rate = float(op.get("ratio", 0.5) if given is None else given.item())
    if not 0 < rate < 1:
        return [value]
    node = walk.network.add("dropout", [value.node], {"rate": rate}, origin=op.name)
    return [Value(node, value.shape, value.axes)]


@rule("Transpose")
def transpose(walk: Walk, op: Op) -> list[Known]:
    """The axes in another order."""
    value = walk.value(op)
    order = op.get("perm", [*range(len(value.axes))][::-1])
    if sorted(order) != [*range(len(value.axes))]:
        raise Refusal("its order of axes does not fit its input")
    return [Value(value.node, value.shape, tuple(value.axes[n] for n in order))]


@rule("Reshape")
def reshape(walk: Walk, op: Op) -> list[Known]:
    """The atoms regrouped."""
    value = walk.value(op)
    asked = walk.listed(op, "shape", 1)
    if asked is None:
        raise Refusal("the shape it asks for is missing")
    if not op.get("allowzero", 0):
        asked = [
            value.sizes[n] if size == 0 and n < len(value.sizes) else size
            for n, size in enumerate(asked)
        ]
    return [regrouped(value, resolved(asked, math.prod(value.sizes)))]


def resolved(asked: list[int], values: int) -> tuple[int, ...]:
    """A shape with its one -1 filled in. Raises Refusal."""
    known = math.prod(size for size in asked if size != -1)
    if asked.count(-1) > 1 or known <= 0 or any(size < -1 for size in asked):
        raise Refusal(f"it reshapes to {asked}, which is no shape")
    return tuple(values // known if size == -1 else size for size in asked)


@rule("Flatten")
def flatten(walk: Walk, op: Op) -> list[Known]:
    """All axes from one on made one."""
    value = walk.value(op)
    axis = op.get("axis", 1)
    axis = len(value.axes) if axis == len(value.axes) else value.positive(axis)
    sizes = value.sizes
    return [regrouped(value, (math.prod(sizes[:axis]), math.prod(sizes[axis:])))]


@rule("Squeeze")
def squeeze(walk: Walk, op: Op) -> list[Known]:
    """Without axes of size 1."""
    value = walk.value(op)
    asked = walk.listed(op, "axes", 1)
    if asked is None:
        asked = [n for n, axis in enumerate(value.axes) if not axis]
        if value.batch[0].size == 1:
            raise Refusal("it drops the batch too; export the network with a free batch")
    dropped = {value.positive(axis) for axis in asked}
    if any(value.axes[axis] for axis in dropped):
        raise Refusal("it drops an axis that is not of size 1")
    kept = tuple(axis for n, axis in enumerate(value.axes) if n not in dropped)
    return [Value(value.node, value.shape, kept)]


@rule("Unsqueeze")
def unsqueeze(walk: Walk, op: Op) -> list[Known]:
    """With axes of size 1."""
    value = walk.value(op)
    asked = walk.listed(op, "axes", 1) or []
    rank = len(value.axes) + len(asked)
    if any(not -rank <= axis < rank for axis in asked):
        raise Refusal("it adds an axis where there is none")
    added = {axis % rank for axis in asked}
    held = iter(value.axes)
    axes = tuple(() if n in added else next(held) for n in range(rank))
    return [Value(value.node, value.shape, axes)]


@rule("Shape")
def shape(walk: Walk, op: Op) -> list[Known]:
    """The sizes, as a constant."""
    sizes: Any = walk.value(op).sizes
    return [np.array(sizes[op.get("start", 0) : op.get("end", len(sizes))], np.int64)]
