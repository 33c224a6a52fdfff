"""The oracle's network: an architecture in float64 NumPy, every backward pass derived by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture import kinds
from implementations.architecture.graph import Architecture, Node, cut
from implementations.architecture.kinds import Backward
from implementations.architecture.shapes import capacity
from implementations.arrays import Floats, resize
from implementations.contract import RELU_RULES
from implementations.errors import BadInput, unknown
from implementations.oracle.nodes import along, backward, forward
from implementations.oracle.scores import score, score_gradient
from implementations.oracle.switches import SWITCHES, followed, margin

Ask = Callable[[Floats], Mapping[str, Floats]]
"""Images -> what another implementation has for them, by node."""


class Reference:
    """An `OracleNetwork`. Arrays are float64 NumPy, channels last; targets are integers (N,)."""

    def __init__(
        self,
        architecture: Architecture,
        tensors: dict[str, Floats],
        rule: str = "",
        ask: Ask | None = None,
        near: float = 0.0,
        margins: list[Floats] | None = None,
        rules: Mapping[str, Backward] | None = None,
    ) -> None:
        self.architecture = architecture
        self.tensors = tensors
        self.rule = rule
        self.ask, self.near = ask, near
        self.margins = margins
        self.rules = dict(rules or {})
        self.theirs: Mapping[str, Floats] = {}

    @property
    def capacity(self) -> int:
        """How many images one pass may hold."""
        return capacity(self.architecture)

    def __call__(self, images: Floats) -> Floats:
        """Logits (N, K) of images (N, H, W, C)."""
        return self.head("input", images, {})

    def features(self, layer: str, images: Floats) -> tuple[Floats, dict[str, Floats]]:
        """Activations at the layer, and whatever else `head` reads past it."""
        self.theirs = self.ask(images) if self.ask else {}
        split = cut(self.architecture, layer)
        values = self._run(split.features, {"input": images})
        return values[layer], {name: values[name] for name in split.rest}

    def head(self, layer: str, activations: Floats, rest: dict[str, Floats]) -> Floats:
        """Logits (N, K) from the activations at the layer."""
        nodes = cut(self.architecture, layer).head
        return self._run(nodes, {layer: activations, **rest})[self.architecture.output]

    def score(self, name: str, logits: Floats, targets: NDArray[np.integer]) -> Floats:
        """Per-image score (N,) of the target class."""
        return score(name, logits, targets)

    def tensor(self, name: str) -> Floats:
        """A weight by its neutral name."""
        return self.tensors[name]

    def resize(self, maps: Floats, size: tuple[int, int]) -> Floats:
        """Bilinear, half-pixel centres, no antialias, edges repeated: (N, h, w) to (N, H, W)."""
        return resize(maps, size)

    def with_relu(self, rule: str) -> Reference:
        """The same weights with another backward pass through `relu` and `relu6`. Raises BadInput.

        `guided` (Springenberg et al. 2015) passes what is positive where the ReLU is open;
        `deconvolution` (Zeiler & Fergus 2014) what is positive, whatever the ReLU did.
        """
        if rule not in RELU_RULES:
            raise BadInput(unknown("ReLU rule", rule, RELU_RULES))
        return self._but(rule=rule)

    def with_backward(self, rules: Mapping[str, Backward]) -> Reference:
        """The same weights, nodes of these kinds with another backward pass. Raises BadInput."""
        kinds.check(rules)
        return self._but(rules={**self.rules, **rules})

    def following(self, ask: Ask, near: float) -> Reference:
        """The same weights, with another implementation deciding what rounding decides.

        `ask(images)` is what it has at the nodes that a ReLU or max-pool reads, by their names, for
        the images whose features or gradients are taken. Where our value is nearer than `near` to a
        ReLU's corner, or to the largest of its window, over the largest magnitude of the image,
        theirs says which way the gradient goes.
        """
        return self._but(ask=ask, near=near, margins=None)

    def watched(self, margins: list[Floats], ask: Ask | None = None) -> Reference:
        """The same weights; whenever a gradient is taken, `margins` gets how near a switch was.

        One (N,) for each ReLU or max-pool that the gradient passes: the smallest distance from its
        corner, or between the two largest values that differ in a window, over the largest
        magnitude that it reads in that image. And what a method notes of itself (`note_margin`).
        `ask` hears of the images whose features or gradients are taken.
        """
        return self._but(ask=ask, near=0.0, margins=margins)

    def note_margin(self, margins: Floats) -> None:
        """Where somebody watches, how near each image (N,) is to a jump of the method's own."""
        if self.margins is not None:
            self.margins.append(margins)

    def pull_back(
        self,
        layer: str,
        activations: Floats,
        rest: dict[str, Floats],
        targets: NDArray[np.integer],
        score: str,
    ) -> Floats:
        """The gradient of each image's score with respect to its activations, of their shape."""
        return self._pull(
            layer, activations, rest, lambda logits: score_gradient(score, logits, targets)
        )

    def pull(
        self, layer: str, activations: Floats, rest: dict[str, Floats], seed: Floats
    ) -> Floats:
        """J' c: the gradient of each image's sum of logits, weighed by a cotangent c (N, K)."""
        return self._pull(layer, activations, rest, lambda logits: seed)

    def push(
        self, layer: str, activations: Floats, rest: dict[str, Floats], tangent: Floats
    ) -> Floats:
        """J t (N, K): how the logits change along a change t of the activations, of their shape.

        Where all past the layer is piecewise linear; `rest` does not change.
        """
        nodes = cut(self.architecture, layer).head
        values = self._run(nodes, {layer: activations, **rest})
        tangents = {name: np.zeros_like(value) for name, value in rest.items()} | {layer: tangent}
        for node in nodes:
            inputs = self._decided(node, [values[name] for name in node.inputs])
            given = [tangents[name] for name in node.inputs]
            tangents[node.name] = along(node, self._own(node), inputs, given)
        return tangents[self.architecture.output]

    def gradients(
        self, images: Floats, targets: NDArray[np.integer], score: str
    ) -> dict[str, Floats]:
        """The gradient of each image's score at the output of every node, and at `input`."""
        self.theirs = self.ask(images) if self.ask else {}
        values = self.values(images)
        seed = score_gradient(score, values[self.architecture.output], targets)
        return self._sweep(self.architecture.nodes, values, seed)

    def values(self, images: Floats) -> dict[str, Floats]:
        """The output of every node, and the images as `input`."""
        return self._run(self.architecture.nodes, {"input": images})

    def decided(self, images: Floats) -> dict[str, Floats]:
        """The same as whom it follows has them, wherever rounding decides what a switch does."""
        values = self.values(images)
        theirs = self.ask(images) if self.ask else {}
        for node in self.architecture.nodes:
            read = node.inputs[0]
            if node.kind in SWITCHES and read in theirs:
                values[read] = followed(node, values[read], theirs[read], self.near)
        return values

    def at_zero(self, node: str) -> Floats:
        """The output (1, h, w, c) or (1, c) of a node where all that it reads is 0: its bias."""
        read, shapes = self.architecture[node], self.architecture.shapes
        return forward(
            read, self._own(read), [np.zeros((1, *shapes[name])) for name in read.inputs]
        )

    def _pull(
        self,
        layer: str,
        activations: Floats,
        rest: dict[str, Floats],
        seed: Callable[[Floats], Floats],
    ) -> Floats:
        if layer == "input" and self.ask:
            self.theirs = self.ask(activations)
        nodes = cut(self.architecture, layer).head
        values = self._run(nodes, {layer: activations, **rest})
        gradients = self._sweep(nodes, values, seed(values[self.architecture.output]))
        return gradients.get(layer, np.zeros_like(activations))

    def _sweep(
        self, nodes: Sequence[Node], values: Mapping[str, Floats], seed: Floats
    ) -> dict[str, Floats]:
        """The gradient at all that these nodes give and read, from that of the logits backwards."""
        gradients = {self.architecture.output: seed}
        for node in reversed(nodes):
            if node.name not in gradients:
                continue
            inputs = [values[name] for name in node.inputs]
            if self.margins is not None and node.kind in SWITCHES:
                self.margins.append(margin(node, inputs[0]))
            parts = self._back(node, inputs, gradients[node.name])
            for name, part in zip(node.inputs, parts, strict=True):
                gradients[name] = gradients[name] + part if name in gradients else part
        return gradients

    def _run(self, nodes: Iterable[Node], values: dict[str, Floats]) -> dict[str, Floats]:
        for node in nodes:
            inputs = [values[name] for name in node.inputs]
            values[node.name] = forward(node, self._own(node), inputs)
        return values

    def _back(self, node: Node, inputs: list[Floats], gradient: Floats) -> list[Floats]:
        rule = self.rules.get(node.kind)
        if self.rule and not rule and node.kind in ("relu", "relu6"):
            gradient = np.maximum(gradient, 0.0)
            if self.rule == "deconvolution":
                return [gradient]
        return (rule or backward)(node, self._own(node), self._decided(node, inputs), gradient)

    def _decided(self, node: Node, inputs: list[Floats]) -> list[Floats]:
        """What a node reads, as whom it follows has it where rounding decides."""
        theirs = self.theirs.get(node.inputs[0])
        if theirs is None or node.kind not in SWITCHES:
            return inputs
        return [followed(node, inputs[0], theirs, self.near)]

    def _but(self, **changed: Any) -> Reference:
        names = ("rule", "ask", "near", "margins", "rules")
        same = {name: getattr(self, name) for name in names}
        return Reference(self.architecture, self.tensors, **{**same, **changed})

    def _own(self, node: Node) -> dict[str, Floats]:
        prefix = f"{node.name}."
        return {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}
