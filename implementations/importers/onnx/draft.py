"""A network while it is translated: nodes of our kinds, and of six that tidying makes kinds of.

`affine` is x * factor + offset by channel, `clip` to (low, high), `order` puts channels in another
order, `border` pads with minus infinity, `erf` is a part of a formula, `softmax` is a head. They
never reach the architecture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.graph import MOST_VALUES
from implementations.architecture.kinds import KINDS
from implementations.architecture.node import Node, Shape
from implementations.arrays import Floats

MOST_CHANNELS = 1 << 23
"""Channels of a map, or features: what is known of each of them is memory."""
PASSING = ("affine", "clip", "order", "softmax", "erf")
SHORT = {
    "max_pool": "pool", "batch_norm": "norm", "global_average_pool": "gap", "relu6": "relu",
}  # fmt: skip
"""Kinds whose nodes have shorter names, or none that ends in a digit."""


class Refusal(ValueError):
    """Why an operator cannot be translated, and the mend."""


@dataclass
class Draft:
    """One node: what it reads (names, `input` for the images), its settings and its tensors."""

    kind: str
    inputs: list[str]
    settings: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, NDArray[Any]] = field(default_factory=dict)
    origin: str = ""
    """The operator that it was made of."""
    reads: str = ""
    """The value of the file that a head reads, which is what can be compared."""

    @property
    def factor(self) -> Floats:
        """Of an `affine`."""
        return self.tensors["factor"]

    @property
    def offset(self) -> Floats:
        """Of an `affine`."""
        return self.tensors["offset"]


class Network:
    """The nodes by name, in an order in which they can be computed, and their shapes."""

    def __init__(self, input_shape: Shape) -> None:
        self.nodes: dict[str, Draft] = {}
        self.shapes: dict[str, Shape] = {"input": input_shape}
        self.output = "input"

    def add(
        self,
        kind: str,
        inputs: Sequence[str],
        settings: Mapping[str, Any] | None = None,
        tensors: Mapping[str, NDArray[Any]] | None = None,
        origin: str = "",
        reads: str = "",
    ) -> str:
        """A new node's name; of a flatten or an order that is there already its own.

        Raises Refusal where its kind cannot read what it is given.
        """
        made = Draft(kind, [*inputs], dict(settings or {}), dict(tensors or {}), origin, reads)
        for name, held in self.nodes.items() if kind in ("flatten", "order") else ():
            if (held.kind, held.inputs, held.settings) == (kind, made.inputs, made.settings):
                return name
        name = f"d{len(self.nodes)}"
        read = [self.shapes[each] for each in inputs]
        self.shapes[name] = small(self.shape(made, read))
        self.nodes[name] = made
        return name

    def shape(self, made: Draft, read: list[Shape]) -> Shape:
        """What a node gives of inputs of these shapes."""
        if made.kind in PASSING:
            return read[0]
        kind = KINDS["pad" if made.kind == "border" else made.kind]
        try:
            plain = {
                name: setting.read(made.settings.get(name, setting.default), name)
                for name, setting in kind.settings.items()
            }
            return kind.shape(Node("", made.kind, tuple(made.inputs), plain), read)
        except ValueError as error:
            raise Refusal(str(error)) from error

    def readers(self, name: str) -> list[str]:
        """The nodes that read one, each once."""
        return [other for other, node in self.nodes.items() if name in node.inputs]

    def lone(self, name: str) -> bool:
        """Whether one node alone reads it, and it is not the output."""
        return len(self.readers(name)) == 1 and self.output != name

    def insert(self, before: str, name: str, node: Draft) -> None:
        """Put a node of the same shape before another in the order."""
        self.shapes[name] = self.shapes[before]
        self.nodes = {
            key: held
            for old, kept in self.nodes.items()
            for key, held in (((name, node), (old, kept)) if old == before else ((old, kept),))
        }

    def bypass(self, name: str) -> None:
        """Let all that reads a node read what it reads itself, and drop it."""
        (source,) = self.nodes[name].inputs
        for node in self.nodes.values():
            node.inputs = [source if each == name else each for each in node.inputs]
        if self.output == name:
            self.output = source
        del self.nodes[name]

    def prune(self) -> None:
        """Drop what does not reach the output."""
        needed = {self.output}
        for name in reversed([*self.nodes]):
            if name in needed:
                needed.update(self.nodes[name].inputs)
        self.nodes = {name: node for name, node in self.nodes.items() if name in needed}

    def named(self) -> dict[str, str]:
        """Our names of the nodes: kind and order, conv1, relu1, conv2."""
        counts: dict[str, int] = {}
        found = {"input": "input"}
        for name, node in self.nodes.items():
            short = SHORT.get(node.kind, node.kind)
            counts[short] = counts.get(short, 0) + 1
            found[name] = f"{short}{counts[short]}"
        return found


def small(shape: Shape) -> Shape:
    """The shape of what a node makes of an image. Raises Refusal for an absurd one."""
    if math.prod(shape) > MOST_VALUES or shape[-1] > MOST_CHANNELS:
        made = " x ".join(map(str, shape))
        raise Refusal(f"{made} numbers of an image; export the network for smaller ones")
    return shape


def per_channel(values: Any, channels: int) -> Floats:
    """A scalar, or one number a channel, as (channels,)."""
    return np.array(np.broadcast_to(np.asarray(values, np.float64), (channels,)))
