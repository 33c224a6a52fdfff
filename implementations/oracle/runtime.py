"""The oracle: networks in float64 NumPy, every backward pass derived by hand. Never timed.

It stands where a framework's module stands and has the same functions, so that a method's
`reference` builder runs like any other. The nodes are in `reference_nodes`, the scores in
`reference_scores`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture, Node, cut
from implementations.architecture.weights import check
from implementations.arrays import Floats, Images, Stages, Targets, Weights
from implementations.arrays import resize as resize
from implementations.contract import RELU_RULES, Explain
from implementations.errors import BadInput, Unavailable, unknown
from implementations.oracle.nodes import backward, forward
from implementations.oracle.scores import score, score_gradient
from implementations.oracle.switches import SWITCHES, followed, margin


def versions() -> dict[str, str]:
    """The version of NumPy."""
    return {"numpy": np.__version__}


def probe(device: str, precision: str, mode: str) -> str | None:
    """Why this cannot be had, or None: the oracle is eager float64 on the CPU and nothing else."""
    given = {"cpu": device, "float64": precision, "eager": mode}
    wrong = [f"{has}, not {asked}" for has, asked in given.items() if has != asked]
    return f"the reference is {' and '.join(wrong)}" if wrong else None


class Reference:
    """An `OracleNetwork`. Arrays are float64 NumPy, channels last; targets are integers (N,)."""

    def __init__(
        self,
        architecture: Architecture,
        tensors: dict[str, Floats],
        rule: str = "",
        theirs: Mapping[str, Floats] | None = None,
        near: float = 0.0,
    ) -> None:
        self.architecture = architecture
        self.tensors = tensors
        self.rule = rule
        self.theirs = theirs or {}
        self.near = near

    def __call__(self, images: Floats) -> Floats:
        """Logits (N, K) of images (N, H, W, C)."""
        return self.head("input", images, {})

    def features(self, layer: str, images: Floats) -> tuple[Floats, dict[str, Floats]]:
        """Activations at the layer, and whatever else `head` reads past it."""
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

    def kernel(self, node: str) -> Floats:
        """The kernel of a dense node, (in, out)."""
        return self.tensors[f"{node}.kernel"]

    def with_relu(self, rule: str) -> Reference:
        """The same weights with another backward pass through `relu` and `relu6`. Raises BadInput.

        `guided` (Springenberg et al. 2015) passes what is positive where the ReLU is open;
        `deconvolution` (Zeiler & Fergus 2014) what is positive, whatever the ReLU did.
        """
        if rule not in RELU_RULES:
            raise BadInput(unknown("ReLU rule", rule, RELU_RULES))
        return Reference(self.architecture, self.tensors, rule, self.theirs, self.near)

    def following(self, theirs: Mapping[str, Floats], near: float) -> Reference:
        """The same weights, with another implementation deciding what rounding decides.

        `theirs` is what it has at the nodes that a ReLU or max-pool reads, by their names. Where
        our value is nearer than `near` to a ReLU's corner, or to the largest of its window, over
        the largest magnitude of the image, theirs says which way the gradient goes.
        """
        return Reference(self.architecture, self.tensors, self.rule, theirs, near)

    def pull_back(
        self,
        layer: str,
        activations: Floats,
        rest: dict[str, Floats],
        targets: NDArray[np.integer],
        score: str,
    ) -> Floats:
        """The gradient of each image's score with respect to its activations, of their shape."""
        nodes = cut(self.architecture, layer).head
        values = self._run(nodes, {layer: activations, **rest})
        logits = values[self.architecture.output]
        gradients = {self.architecture.output: score_gradient(score, logits, targets)}
        for node in reversed(nodes):
            if node.name not in gradients:
                continue
            inputs = [values[name] for name in node.inputs]
            parts = self._back(node, inputs, gradients.pop(node.name))
            for name, part in zip(node.inputs, parts, strict=True):
                gradients[name] = gradients[name] + part if name in gradients else part
        return gradients.get(layer, np.zeros_like(activations))

    def kinks(self, layer: str, images: Floats) -> Floats:
        """Per image (N,), how near a ReLU or max-pool past the layer is to switching.

        The smallest distance from a ReLU's corner, or between the two largest values that differ in
        a window, over the largest magnitude that the node reads in that image.
        """
        activations, rest = self.features(layer, images)
        nodes = cut(self.architecture, layer).head
        values = self._run(nodes, {layer: activations, **rest})
        nearest = np.full(len(images), np.inf)
        for node in nodes:
            if node.kind in SWITCHES:
                nearest = np.minimum(nearest, margin(node, values[node.inputs[0]]))
        return nearest

    def _run(self, nodes: Iterable[Node], values: dict[str, Floats]) -> dict[str, Floats]:
        for node in nodes:
            inputs = [values[name] for name in node.inputs]
            values[node.name] = forward(node, self._own(node), inputs)
        return values

    def _back(self, node: Node, inputs: list[Floats], gradient: Floats) -> list[Floats]:
        if self.rule and node.kind in ("relu", "relu6"):
            gradient = np.maximum(gradient, 0.0)
            if self.rule == "deconvolution":
                return [gradient]
        theirs = self.theirs.get(node.inputs[0])
        if theirs is not None and node.kind in SWITCHES:
            inputs = [followed(node, inputs[0], theirs, self.near)]
        return backward(node, self._own(node), inputs, gradient)

    def _own(self, node: Node) -> dict[str, Floats]:
        prefix = f"{node.name}."
        return {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}


def build(
    architecture: Architecture, weights: Weights, device: str = "cpu", precision: str = "float64"
) -> Reference:
    """A network from neutral weights of any float type. Raises BadInput and Unavailable."""
    reason = probe(device, precision, "eager")
    if reason:
        raise Unavailable(reason)
    check(architecture, weights)
    tensors = {name: np.array(value, np.float64) for name, value in weights.items()}
    return Reference(architecture, tensors, "")


def weights(network: Reference) -> dict[str, Floats]:
    """The neutral weights of a network, float64."""
    return dict(network.tensors)


def put(network: Reference, images: Images, targets: Targets | None = None) -> Any:
    """Images as float64, or (images, targets)."""
    held = np.asarray(images, np.float64)
    return held if targets is None else (held, np.asarray(targets, np.int32))


def to_numpy(array: NDArray[Any]) -> NDArray[Any]:
    """The array: it is on the host, channels last, float64."""
    return np.asarray(array)


def wait(arrays: Any) -> None:
    """Return at once: NumPy queues nothing."""


def prepare(
    network: Reference, explain: Explain, outputs: Sequence[str], mode: str = "eager"
) -> Callable[[Floats, Targets], Stages]:
    """`explain` restricted to those of the outputs that the method has, bound to its network."""
    reason = probe("cpu", "float64", mode)
    if reason:
        raise Unavailable(reason)

    def explained(images: Floats, targets: Targets) -> Stages:
        stages = explain(network, images, targets)
        return {name: stages[name] for name in outputs if name in stages}

    return explained
