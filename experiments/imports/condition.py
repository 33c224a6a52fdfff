"""In a process of its own: how far rounding alone moves what the oracle has of the networks.

python -m experiments.imports.condition FOLDER [SOURCE]

All as the errors of columns are (of the largest logit, of an image's peak; the worse of two):
`stored`, every value between nodes rounded to float32, forward and backward, all arithmetic exact;
`given`, every pixel and weight moved by 2^-24 of itself, up or down by chance, in float64: below
these two no float32 code goes but by luck. `summed`, what float32 itself costs: the oracle's NumPy,
whose convolutions and dense layers, and Grad-CAM of them, round each product and sum in a row.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.subject.heatmaps import relative_error
from experiments.imports.computed import smallest_first
from implementations import methods
from implementations.architecture import graph, registered, weights
from implementations.architecture.graph import Node
from implementations.architecture.window import padded, taps, window
from implementations.arrays import Floats, Tensors
from implementations.oracle import runtime
from implementations.oracle.network import Reference
from implementations.oracle.nodes import backward, forward

HALF = 2.0**-24
"""The most that rounding to float32 moves a number, of itself."""
NAME = "condition.json"
WAYS = ("stored", "given", "summed")
PARTS = ("weights", "activations")
"""Of Grad-CAM's map: a weight a channel, and what it weighs."""


class Stored(Reference):
    """The oracle, whose values are kept in float32 between nodes."""

    def _run(self, nodes: Iterable[Node], values: dict[str, Floats]) -> dict[str, Floats]:
        for node in nodes:
            inputs = [values[name] for name in node.inputs]
            values[node.name] = single(forward(node, self._own(node), inputs))
        return values

    def _back(self, node: Node, inputs: list[Floats], gradient: Floats) -> list[Floats]:
        parts = backward(node, self._own(node), inputs, gradient)
        return [single(part) for part in parts]


class Summed(Stored):
    """The oracle in float32, its sums of products from left to right."""

    def _run(self, nodes: Iterable[Node], values: dict[str, Floats]) -> dict[str, Floats]:
        for node in nodes:
            inputs = [values[name].astype(np.float32) for name in node.inputs]
            own = self._own(node)
            made: Any = (
                convolved(node, own, inputs[0]) if node.kind == "conv"
                else product(inputs[0], own["kernel"]) if node.kind == "dense"
                else forward(node, own, inputs)  # type: ignore[arg-type]
            )  # fmt: skip
            if node.kind in ("conv", "dense") and node["bias"]:
                made = made + own["bias"]
            values[node.name] = single(made)
        return values

    def _back(self, node: Node, inputs: list[Floats], gradient: Floats) -> list[Floats]:
        if node.kind == "dense":
            return [product(gradient, self._own(node)["kernel"].T).astype(np.float64)]
        return super()._back(node, inputs, gradient)

    def _own(self, node: Node) -> Any:
        return {name: value.astype(np.float32) for name, value in super()._own(node).items()}


def convolved(node: Node, tensors: Tensors, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """A convolution (N, h, w, filters) without its bias, a product at a time."""
    place, groups = window(node, images.shape[1:]), node["groups"]
    wide, kernel = padded(images, place, 0.0), tensors["kernel"]  # type: ignore[arg-type]
    total = np.zeros((len(images), *place.size, groups, node["filters"] // groups), np.float32)
    for i, j, tap in taps(place):
        part = wide[tap].reshape(*total.shape[:4], -1)
        for c in range(part.shape[-1]):
            total += part[..., c, None] * kernel[i, j, c].reshape(groups, -1)
    return total.reshape(*total.shape[:3], -1)


def product(rows: NDArray[Any], kernel: NDArray[Any]) -> NDArray[np.float32]:
    """Rows (N, n) times (n, m), a product at a time."""
    total = np.zeros((len(rows), kernel.shape[1]), np.float32)
    for column, weights_of in zip(rows.T.astype(np.float32), kernel, strict=True):
        total += column[:, None] * weights_of
    return total


def joined(channels: Floats, activations: Floats) -> Floats:
    """Grad-CAM's sum over channels, one after the other."""
    parts = channels[:, None, None].astype(np.float32) * activations.astype(np.float32)
    total = np.zeros(parts.shape[:3], np.float32)
    for c in range(parts.shape[-1]):
        total += parts[..., c]
    return total.astype(np.float64)


def single(values: Floats) -> Floats:
    """Rounded to float32."""
    return values.astype(np.float32).astype(np.float64)


def moved(values: Floats, seed: int) -> Floats:
    """Each number by 2^-24 of itself, up or down."""
    ways = np.random.default_rng(seed).choice([-HALF, HALF], values.shape)
    return values * (1 + ways)


def conditions(folder: Path) -> dict[str, float]:
    """How far logits and Grad-CAM move, by what moves them."""
    architecture = graph.read(folder / registered.IN_FOLDER)
    tensors = {
        name: value.astype(np.float64)
        for name, value in weights.load(folder / registered.WEIGHTS_IN_FOLDER).items()
    }
    answer = np.load(folder / "answer.npz")
    images, targets, expected = answer["images"].astype(np.float64), answer["targets"], answer
    elsewhere = {name: moved(value, n) for n, (name, value) in enumerate(tensors.items(), 1)}
    told = {}
    networks = (Stored(architecture, tensors), Reference(architecture, elsewhere),
                Summed(architecture, tensors))  # fmt: skip
    for what, network in zip(WAYS, networks, strict=True):
        shown = moved(images, 0) if what == "given" else images
        logits = network(shown)
        off = np.abs(logits - expected["logits"]).max() / (np.abs(expected["logits"]).max() or 1.0)
        told[what] = float(off)
        if "signed" not in expected:
            continue
        method = methods.load("grad_cam")
        layer = method.layer(architecture, None)
        asked = method.resolve({})
        explain: Any = method.bind(
            "reference", runtime, network, layer, asked, (*PARTS, "signed"), "eager"
        )
        made = explain(*runtime.put(network, shown, targets))
        signed = joined(*(made[part] for part in PARTS)) if what == "summed" else made["signed"]
        told[f"{what}_grad_cam"] = float(
            relative_error(signed, expected["signed"], expected["signed"]).max()
        )
    return told


def main(work: str, only: str = "") -> None:
    """Smallest first; what is there already is left."""
    for folder in smallest_first(work, only):
        told = folder / NAME
        if not told.exists() or not set(WAYS) <= set(json.loads(told.read_text())):
            found = conditions(folder)
            told.write_text(json.dumps(found))
            print(folder.name, found, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
