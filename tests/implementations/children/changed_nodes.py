"""What networks with changed nodes answer: `changed_nodes.py FRAMEWORK PRECISION MODE FOLDER`.

It writes `found.safetensors` into a folder that has architecture.json, weights.safetensors,
images.npy and targets.npy: the logits and the gradient of the target's logit by the images.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from implementations import frameworks
from implementations.architecture import graph
from implementations.architecture import weights as neutral
from implementations.architecture.kinds import KINDS
from implementations.architecture.node import Node

Array = Any


def absolute(node: Node, tensors: Any, inputs: list[Any], gradient: Any) -> list[Any]:
    """Back through the magnitudes of the kernel."""
    kernel = {**tensors, "kernel": np.abs(tensors["kernel"])}
    return KINDS[node.kind].backward(node, kernel, inputs, gradient)


RULES = {
    "conv": absolute,
    "dense": absolute,
    "relu": lambda node, tensors, inputs, gradient: [3 * gradient * (inputs[0] > 0)],
    "add": lambda node, tensors, inputs, gradient: [gradient / (n + 1) for n in range(len(inputs))],
}
"""What the oracle is given: kind -> a backward pass."""


def functions(stop: Callable[[Array], Array]) -> dict[str, Callable[..., Array]]:
    """The same as functions of the value that each node has."""

    def straight(value: Array, through: Array) -> Array:
        return stop(value) + (through - stop(through))

    def linear(network: Any, node: Node, inputs: Sequence[Array]) -> Array:
        kernel = abs(network.tensor(f"{node.name}.kernel"))
        return straight(network.apply(node, inputs), network.apply(node, inputs, kernel))

    def relu(network: Any, node: Node, inputs: Sequence[Array]) -> Array:
        output = network.apply(node, inputs)
        return straight(output, 3 * output)

    def add(network: Any, node: Node, inputs: Sequence[Array]) -> Array:
        shares = [array / (n + 1) for n, array in enumerate(inputs)]
        return straight(network.apply(node, inputs), network.apply(node, shares))

    return {"conv": linear, "dense": linear, "relu": relu, "add": add}


def jax(network: Any) -> Callable[..., dict[str, Array]]:
    import jax

    def explain(network: Any, images: Array, targets: Array) -> dict[str, Array]:
        changed = network.with_nodes(functions(jax.lax.stop_gradient))

        def score(images: Array) -> tuple[Array, Array]:
            logits = changed(images)
            return network.score("logit", logits, targets).sum(), logits

        gradients, logits = jax.grad(score, has_aux=True)(images)
        return {"gradients": gradients, "logits": logits}

    return explain


def pytorch(network: Any) -> Callable[..., dict[str, Array]]:
    import torch

    changed = network.with_nodes(functions(torch.Tensor.detach))

    def explain(network: Any, images: Array, targets: Array) -> dict[str, Array]:
        def score(images: Array) -> tuple[Array, Array]:
            logits = changed(images)
            return network.score("logit", logits, targets).sum(), logits

        gradients, logits = torch.func.grad(score, has_aux=True)(images)
        return {"gradients": gradients, "logits": logits}

    return explain


def keras(network: Any) -> Callable[..., dict[str, Array]]:
    from keras import ops

    changed = network.with_nodes(functions(ops.stop_gradient))

    def explain(network: Any, images: Array, targets: Array) -> dict[str, Array]:
        def score(images: Array) -> tuple[Array, Array]:
            logits = changed(images)
            return ops.sum(network.score("logit", logits, targets)), logits

        gradients, logits = network.gradient(score, has_aux=True)(images)
        return {"gradients": gradients, "logits": logits}

    return explain


def main(name: str, precision: str, mode: str, folder: Path) -> None:
    framework = frameworks.load(name)
    architecture = graph.read(folder / "architecture.json")
    weights = neutral.load(folder / "weights.safetensors")
    network = framework.build(architecture, weights, "cpu", precision)
    given = framework.put(network, np.load(folder / "images.npy"), np.load(folder / "targets.npy"))
    explain = framework.compiler(network, (), mode)(globals()[name](network))
    found = {key: framework.to_numpy(array) for key, array in explain(network, *given).items()}
    neutral.save(folder / "found.safetensors", found)


if __name__ == "__main__":
    main(*sys.argv[1:4], Path(sys.argv[4]))
