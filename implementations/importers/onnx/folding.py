"""What is constant in a file is computed: shape arithmetic, and weights on their way to a layer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.importers.onnx.draft import Refusal
from implementations.importers.onnx.file import Op

MOST_VALUES = 1 << 27
"""Numbers of the largest constant that is computed."""
MADE, GIVEN = 192, 16
"""What constants may take that a file computes: MiB, and bytes for each byte that it has."""
FOLDED = frozenset([
    "Abs", "Add", "And", "BatchNormalization", "Cast", "CastLike", "Ceil", "Clip", "Concat",
    "Constant", "ConstantOfShape", "Div", "Equal", "Exp", "Expand", "Flatten", "Floor", "Gather",
    "Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Log", "Max", "Min", "Mod",
    "Mul", "Neg", "Not", "Or", "Pow", "Range", "Reciprocal", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd", "ReduceSum", "Reshape", "Shape", "Size", "Slice", "Split", "Sqrt",
    "Squeeze", "Sub", "Sum", "Tile", "Transpose", "Trilu", "Unsqueeze", "Where", "Xor",
])  # fmt: skip
"""A batch norm of constants standardises weights."""
WEIGHED = frozenset([
    "Add", "BatchNormalization", "Div", "Exp", "Log", "Mul", "Neg", "Pow", "Reciprocal",
    "ReduceMean", "ReduceSum", "Sqrt", "Sub", "Sum",
])  # fmt: skip
"""Operators that are computed in float64 where they are of weights: these are rounded once."""
SPREAD = frozenset([
    "Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max",
    "Min", "Mod", "Mul", "Or", "Pow", "Sub", "Sum", "Where", "Xor",
])  # fmt: skip
"""Operators whose inputs are spread over each other."""


def most_bytes(constants: Iterable[NDArray[Any]], mebibytes: int = 0) -> int:
    """How many bytes of constants a file of these may compute: `mebibytes`, or by default `MADE`.

    What a file has been given by way of constants, it may have made of them.
    """
    return ((mebibytes or MADE) << 20) + GIVEN * sum(value.nbytes for value in constants)


def taken(op: Op, made: Sequence[NDArray[Any]], inputs: Sequence[NDArray[Any] | None]) -> int:
    """Bytes of outputs that are no views of the inputs; a `Constant` is the file's, and gives."""
    if op.type == "Constant":
        return -GIVEN * sum(value.nbytes for value in made)
    given = [value for value in inputs if value is not None]
    apart = [m for m in made if not any(np.may_share_memory(m, value) for value in given)]
    return sum(value.nbytes for value in apart)


def fold(
    op: Op, inputs: Sequence[NDArray[Any] | None], opset: int, room: int
) -> list[NDArray[Any]]:
    """The outputs of an operator whose inputs are all constant, in so many bytes. Raises Refusal.

    The room is of the whole file: a few bytes of it can name many large constants.
    """
    if op.type not in FOLDED:
        raise Refusal("it computes with constants in a way that is not known here")
    if op.type == "Constant" and isinstance(op.attributes.get("value"), np.ndarray):
        return [op.attributes["value"]]
    given = [value for value in inputs if value is not None]
    size = _size(op, given)
    if size > MOST_VALUES:
        raise Refusal(f"it makes a constant of {size:,} values; {MOST_VALUES:,} at most")
    if (needed := _bytes(op, inputs, size)) > room:
        raise Refusal(
            f"its constant needs {needed:,} bytes, and the file's others leave {max(room, 0):,}; "
            "where so large ones are meant, say how many MiB they may be: --constants 640"
        )
    try:
        return _evaluated(op, _widened(op, inputs), opset)
    except Exception as error:  # the evaluator raises whatever comes
        told = str(error).partition("\n")[0][:120]
        raise Refusal(f"its constant cannot be computed ({told}); export it again") from error


def _bytes(op: Op, inputs: Sequence[NDArray[Any] | None], size: int) -> int:
    """What an operator takes: its outputs, and its inputs where they are widened."""
    given = [value for value in inputs if value is not None]
    if _is_weighed(op, given):
        return 8 * (size + sum(value.size for value in given))
    if op.type == "ConstantOfShape":
        filled = op.attributes.get("value")
        return size * (filled.itemsize if isinstance(filled, np.ndarray) else 4)
    return size * max((value.itemsize for value in given), default=1)


def _widened(op: Op, inputs: Sequence[NDArray[Any] | None]) -> Sequence[NDArray[Any] | None]:
    """Weights in float64, from the first that is computed with; sizes stay as the file has them."""
    if not _is_weighed(op, [value for value in inputs if value is not None]):
        return inputs
    return [
        value.astype(np.float64) if value is not None and value.dtype.kind == "f" else value
        for value in inputs
    ]


def _is_weighed(op: Op, given: Sequence[NDArray[Any]]) -> bool:
    fractions = [value.ndim for value in given if value.dtype.kind == "f"]
    return op.type in WEIGHED and max(fractions, default=0) >= 2


def _size(op: Op, given: Sequence[NDArray[Any]]) -> int:
    """How many values an operator makes, at the most."""
    if op.type == "Range":
        start, limit, step = (float(value.item()) for value in given)
        if step == 0 or not all(map(math.isfinite, (start, limit, step))):
            raise Refusal("it counts in steps of 0")
        return max(0, math.ceil((limit - start) / step))
    if op.type == "ConstantOfShape":
        return math.prod(max(int(size), 0) for size in given[0].ravel())
    if op.type == "Tile":
        return given[0].size * math.prod(max(int(size), 0) for size in given[1].ravel())
    try:
        if op.type == "Expand":
            asked = tuple(max(int(size), 0) for size in given[1].ravel())
            return math.prod(np.broadcast_shapes(given[0].shape, asked))
        if op.type in SPREAD:
            return math.prod(np.broadcast_shapes(*(value.shape for value in given)))
    except ValueError as error:
        raise Refusal("its constants do not fit each other; export it again") from error
    return sum(value.size for value in given)


def _evaluated(op: Op, inputs: Sequence[NDArray[Any] | None], opset: int) -> list[NDArray[Any]]:
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    names = [name for name, value in zip(op.inputs, inputs, strict=True) if value is not None]
    graph = helper.make_graph(
        [op.proto],
        "folded",
        [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in set(names)],
        [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in op.outputs],
    )
    imports = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=imports)
    feeds = {n: v for n, v in zip(op.inputs, inputs, strict=True) if v is not None}
    with np.errstate(all="ignore"):
        made = ReferenceEvaluator(model).run(None, feeds)
    return [np.asarray(value) for value in made]
