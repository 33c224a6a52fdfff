"""One pass over the operators of a file: what each finds, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.importers.onnx.axes import Axis
from implementations.importers.onnx.draft import Network, Refusal
from implementations.importers.onnx.file import Op
from implementations.importers.onnx.folding import FOLDED, MADE, fold, taken
from implementations.importers.onnx.values import Value

Known = Value | NDArray[Any]
"""What a name of the file stands for: a value of the network, or a constant."""


@dataclass
class Walk:
    """What has been translated so far."""

    network: Network
    batch: Axis
    opset: int
    known: dict[str, Known]
    notes: list[str] = field(default_factory=list)
    passed: int = 0
    """How many operators it got past."""
    room: int = MADE << 20
    """Bytes that constants may take which are still to be computed."""

    def value(self, op: Op, position: int = 0) -> Value:
        """An input that depends on the images. Raises Refusal."""
        found = self._find(op, position)
        if not isinstance(found, Value):
            raise Refusal(f"its input {position} is not of the images")
        return found

    def constant(self, op: Op, position: int) -> NDArray[Any] | None:
        """A constant input, None where it is left out. Raises Refusal."""
        found = self._find(op, position)
        if isinstance(found, Value):
            raise Refusal(f"its input {position} depends on the images; fixed weights are wanted")
        return found

    def weights(self, op: Op, position: int) -> NDArray[Any]:
        """A constant input that must be there. Raises Refusal."""
        found = self.constant(op, position)
        if found is None:
            raise Refusal(f"its input {position} is missing")
        return found

    def listed(self, op: Op, attribute: str, position: int) -> list[int] | None:
        """Whole numbers of an attribute, or of the input that newer operator sets have for it."""
        if attribute in op.attributes:
            held = op.attributes[attribute]
            return [int(value) for value in (held if isinstance(held, list) else [held])]
        found = self.constant(op, position) if position < len(op.inputs) else None
        return None if found is None else [int(value) for value in np.ravel(found)]

    def note(self, text: str) -> None:
        """Tell the user once what was decided."""
        if text not in self.notes:
            self.notes.append(text)

    def _find(self, op: Op, position: int) -> Known | None:
        name = op.inputs[position] if position < len(op.inputs) else ""
        return self.known[name] if name else None


Rule = Callable[[Walk, Op], "list[Known]"]
RULES: dict[str, Rule] = {}
"""Operator -> what translates it."""


def rule(*operators: str) -> Callable[[Rule], Rule]:
    """Register what translates these operators."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(operators, function))
        return function

    return register


MENDS = {
    "QLinearConv": "a quantised network; export it before it is quantised",
    "ConvInteger": "a quantised network; export it before it is quantised",
    "QuantizeLinear": "a quantised network; export it before it is quantised",
    "DequantizeLinear": "a quantised network; export it before it is quantised",
    "ArgMax": "the classes are chosen in the file; name the output before it with --output",
    "TopK": "the classes are chosen in the file; name the output before it with --output",
    "Erfc": "no operator of ONNX: Keras wrote it; export with KERAS_BACKEND=torch",
    "StatefulPartitionedCall":
        "no operator of ONNX: Keras wrote it; export with KERAS_BACKEND=torch",
    "If": "control flow; export the network without it",
    "Loop": "control flow; export the network without it",
    "Scan": "control flow; export the network without it",
}  # fmt: skip
"""Operator that is refused -> why, and the mend."""


def run(walk: Walk, ops: Iterable[Op], last: str) -> None:
    """Translate operators until a value is known. Raises ValueError that names the operator."""
    for op in ops:
        if last in walk.known:
            return
        missing = next((name for name in op.inputs if name and name not in walk.known), None)
        if missing is not None:
            raise ValueError(f"{op} reads {missing!r}, which nothing before it gives")
        twice = next((name for name in op.outputs if name and name in walk.known), None)
        if twice is not None:
            raise ValueError(f"{op} gives {twice!r}, which something before it gives")
        try:
            made = _translated(walk, op)
        except ValueError as refusal:  # a Refusal, or what NumPy says of an odd constant
            raise ValueError(f"{op}: {refusal}") from refusal
        walk.known.update({name: m for name, m in zip(op.outputs, made, strict=False) if name})
        walk.passed += 1
    if last not in walk.known:
        raise ValueError(f"nothing gives the output {last!r}; name another with --output")


def _translated(walk: Walk, op: Op) -> list[Known]:
    given = [walk.known[name] if name else None for name in op.inputs]
    if op.type in MENDS:
        raise Refusal(MENDS[op.type])
    constants = [value for value in given if not isinstance(value, Value)]
    if len(constants) == len(given) and op.type in FOLDED:
        made = fold(op, constants, walk.opset, walk.room)
        walk.room -= taken(op, made, constants)
        return [*made]
    if op.type not in RULES:
        raise Refusal("this operator has no form here; what there is stands in docs/import.md")
    return RULES[op.type](walk, op)
