"""In a process of its own: how far rounding alone moves what the oracle has of the networks.

python -m experiments.imports.condition FOLDER [SOURCE]

Two bounds that no float32 code goes below but by luck, both of the oracle in float64 and both as
the columns' errors are (of the largest logit, of each image's peak; the worse of two images):
`stored`, every value between nodes rounded to float32, forward and backward, all arithmetic exact;
`given`, every pixel and weight moved by 2^-24 of itself, up or down by chance.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from bench.subject.heatmaps import relative_error
from experiments.imports.computed import smallest_first
from implementations import methods
from implementations.architecture import graph, registered, weights
from implementations.architecture.graph import Node
from implementations.arrays import Floats
from implementations.oracle import runtime
from implementations.oracle.network import Reference
from implementations.oracle.nodes import backward, forward

HALF = 2.0**-24
"""The most that rounding to float32 moves a number, of itself."""
NAME = "condition.json"


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
    for what, network, shown in (
        ("stored", Stored(architecture, tensors), images),
        ("given", Reference(architecture, elsewhere), moved(images, 0)),
    ):
        logits = network(shown)
        off = np.abs(logits - expected["logits"]).max() / (np.abs(expected["logits"]).max() or 1.0)
        told[what] = float(off)
        if "signed" not in expected:
            continue
        method = methods.load("grad_cam")
        layer = method.layer(architecture, None)
        asked = method.resolve({})
        explain: Any = method.bind(
            "reference", runtime, network, layer, asked, ("signed",), "eager"
        )
        signed = explain(*runtime.put(network, shown, targets))["signed"]
        told[f"{what}_grad_cam"] = float(
            relative_error(signed, expected["signed"], expected["signed"]).max()
        )
    return told


def main(work: str, only: str = "") -> None:
    """Smallest first; what is there already is left."""
    for folder in smallest_first(work, only):
        told = folder / NAME
        if not told.exists():
            found = conditions(folder)
            told.write_text(json.dumps(found))
            print(folder.name, found, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
