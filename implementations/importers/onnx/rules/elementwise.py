"""Activations, and sums and products with constants or with each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.importers.onnx.axes import CHANNELS, only
from implementations.importers.onnx.draft import Refusal, per_channel
from implementations.importers.onnx.file import Op
from implementations.importers.onnx.values import Value, alike, channelwise, flat
from implementations.importers.onnx.walk import Known, Walk, rule


def _same(walk: Walk, op: Op, kind: str, settings: dict[str, Any] | None = None) -> list[Known]:
    value = walk.value(op)
    made = walk.network.add(kind, [value.node], settings, origin=op.name, reads=op.inputs[0])
    return [Value(made, value.shape, value.axes)]


def affine(walk: Walk, value: Value, factor: Any, offset: Any, origin: str) -> Value:
    """A value times a factor and an offset, each a scalar or one a channel."""
    tensors = {
        "factor": per_channel(factor, value.channels),
        "offset": per_channel(offset, value.channels),
    }
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise Refusal("its constant is not finite")
    made = walk.network.add("affine", [value.node], tensors=tensors, origin=origin)
    return Value(made, value.shape, value.axes)


def clip(walk: Walk, value: Value, low: float, high: float, origin: str) -> Value:
    """A value within two bounds."""
    if not low < high:
        raise Refusal(f"it clips to [{low:g}, {high:g}]")
    made = walk.network.add("clip", [value.node], {"low": low, "high": high}, origin=origin)
    return Value(made, value.shape, value.axes)


@rule("Relu")
def relu(walk: Walk, op: Op) -> list[Known]:
    """Within 0 and infinity."""
    return [clip(walk, walk.value(op), 0.0, np.inf, op.name)]


@rule("Clip")
def clipped(walk: Walk, op: Op) -> list[Known]:
    """Within its bounds, attributes or inputs."""
    low, high = walk.constant(op, 1), walk.constant(op, 2)
    least = float(op.get("min", -np.inf) if low is None else low.item())
    most = float(op.get("max", np.inf) if high is None else high.item())
    return [clip(walk, walk.value(op), least, most, op.name)]


@rule("Sigmoid")
def sigmoid(walk: Walk, op: Op) -> list[Known]:
    """A gate, or a head."""
    return _same(walk, op, "sigmoid")


@rule("HardSigmoid")
def hard_sigmoid(walk: Walk, op: Op) -> list[Known]:
    """By ONNX' own default of slope 0.2."""
    settings = {"slope": op.get("alpha", 0.2), "offset": op.get("beta", 0.5)}
    return _same(walk, op, "hard_sigmoid", settings)


@rule("HardSwish")
def hard_swish(walk: Walk, op: Op) -> list[Known]:
    """MobileNetV3's."""
    return _same(walk, op, "hard_swish")


@rule("Swish")
def silu(walk: Walk, op: Op) -> list[Known]:
    """X sigmoid(alpha x), of alpha 1."""
    if op.get("alpha", 1.0) != 1.0:
        raise Refusal("a swish whose alpha is not 1")
    return _same(walk, op, "silu")


@rule("LeakyRelu")
def leaky_relu(walk: Walk, op: Op) -> list[Known]:
    """By ONNX' own default of slope 0.01."""
    return _same(walk, op, "leaky_relu", {"slope": op.get("alpha", 0.01)})


@rule("Gelu")
def gelu(walk: Walk, op: Op) -> list[Known]:
    """Exact, or by the tanh."""
    approximate = op.get("approximate", "none")
    if approximate not in ("none", "tanh"):
        raise Refusal(f"its approximation {approximate!r} is none of ONNX's; export it again")
    return _same(walk, op, "gelu", {"approximate": approximate == "tanh"})


@rule("Erf")
def erf(walk: Walk, op: Op) -> list[Known]:
    """A part of the exact GELU."""
    return _same(walk, op, "erf")


@rule("Softmax", "LogSoftmax")
def softmax(walk: Walk, op: Op) -> list[Known]:
    """A head, which is cut off; one within the network is refused at the end."""
    value = walk.value(op)
    axis = value.positive(op.get("axis", -1 if walk.opset >= 13 else 1))
    later = [atom for n in range(axis, len(value.axes)) for atom in value.axes[n]]
    named = value.axes[axis] if walk.opset >= 13 else tuple(later)
    if len(value.shape) != 1 or not only(named, CHANNELS) or not named:
        raise Refusal("a softmax within the network (attention) is no part of a CNN here")
    return _same(walk, op, "softmax")


@rule("Neg")
def negative(walk: Walk, op: Op) -> list[Known]:
    """Times -1."""
    return [affine(walk, walk.value(op), -1.0, 0.0, op.name)]


def _parted(walk: Walk, op: Op) -> tuple[list[Value], list[NDArray[Any]]]:
    """The inputs that depend on the images, and the constants."""
    given = [walk.known[name] for name in op.inputs]
    values = [value for value in given if isinstance(value, Value)]
    return values, [value for value in given if not isinstance(value, Value)]


@rule("Min", "Max")
def bounded(walk: Walk, op: Op) -> list[Known]:
    """Within one bound."""
    values, constants = _parted(walk, op)
    if len(values) != 1 or any(constant.size != 1 for constant in constants):
        raise Refusal("it compares two values of the network, or one with many numbers")
    bounds = [float(constant.item()) for constant in constants]
    low = max(bounds) if op.type == "Max" else -np.inf
    high = min(bounds) if op.type == "Min" else np.inf
    return [clip(walk, values[0], low, high, op.name)]


@rule("Add", "Sum")
def added(walk: Walk, op: Op) -> list[Known]:
    """A sum of values, and of constants."""
    values, constants = _parted(walk, op)
    total = values[0]
    if len(values) > 1:
        pairs = [alike(walk.network, total, value, op.name) for value in values[1:]]
        nodes = [pairs[0][0].node, *(second.node for _, second in pairs)]
        made = walk.network.add("add", nodes, origin=op.name)
        total = Value(made, pairs[0][0].shape, total.axes)
    for constant in constants:
        total = affine(walk, total, 1.0, channelwise(total, constant), op.name)
    return [total]


@rule("Sub")
def subtracted(walk: Walk, op: Op) -> list[Known]:
    """A difference with a constant, or of two values: the second times -1, added."""
    values, constants = _parted(walk, op)
    if constants:
        (value,), (constant,) = values, constants
        numbers = channelwise(value, constant)
        first = isinstance(walk.known[op.inputs[0]], Value)
        return [affine(walk, value, *((1.0, -numbers) if first else (-1.0, numbers)), op.name)]
    first_value, second_value = alike(walk.network, values[0], values[1], op.name)
    made = walk.network.add("subtract", [first_value.node, second_value.node], origin=op.name)
    return [Value(made, first_value.shape, first_value.axes)]


@rule("Div")
def divided(walk: Walk, op: Op) -> list[Known]:
    """By a constant."""
    value, constant = walk.value(op, 0), walk.weights(op, 1)
    numbers = channelwise(value, constant)
    if not numbers.all():
        raise Refusal("it divides by 0")
    return [affine(walk, value, 1.0 / numbers, 0.0, op.name)]


@rule("Mul")
def multiplied(walk: Walk, op: Op) -> list[Known]:
    """By a constant, by a value that lies alike, or by a gate that is spread over the map."""
    values, constants = _parted(walk, op)
    if constants:
        (value,), (constant,) = values, constants
        return [affine(walk, value, channelwise(value, constant), 0.0, op.name)]
    first, second = values
    if first.axes != second.axes:
        first, second = (first, second) if _spread(second, first) else (second, first)
        if not _spread(second, first):
            raise Refusal("it multiplies values that do not lie alike, nor as a gate and a map")
        second = flat(walk.network, second, op.name)
    else:
        first, second = alike(walk.network, first, second, op.name)
    made = walk.network.add("multiply", [first.node, second.node], origin=op.name)
    return [Value(made, first.shape, first.axes)]


def _spread(gate: Value, over: Value) -> bool:
    """Whether the first has the second's channels and batch, and size 1 along all other axes."""
    return len(gate.axes) == len(over.axes) and gate.channels == over.channels and all(
        mine == (() if any(atom.axis in "HW" for atom in theirs) else theirs)
        for mine, theirs in zip(gate.axes, over.axes, strict=True)
    )  # fmt: skip
