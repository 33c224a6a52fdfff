"""Probe networks: tiny ones whose every number is exact, each with something that goes wrong.

One JSON file a probe, found by its name: an architecture, weights as whole numbers over a power of
two, six images and the layer that is explained. Sides, colours and channels all differ, so that
swapped axes show. A probe may be another one `from` which it is made: its head times a number, or
columns of its head made negative. A network of a user's may be taken for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture import graph
from implementations.architecture.graph import Architecture, resolve_layer
from implementations.arrays import Floats, Weights
from implementations.files import read_json
from implementations.oracle import runtime
from implementations.oracle.network import Reference

FOLDER = Path(__file__).parent
TARGETS = (2, 0, 3, 1, 1, 2)
"""The classes explained, of six images: most are not those predicted."""
SHARED = "images"
"""The file of the images that probes of one size share."""


@dataclass(frozen=True)
class Probe:
    """A network and six images (6, H, W, C) with targets (6,); all values are exact in float32."""

    name: str
    about: str
    architecture: Architecture
    weights: dict[str, Floats]
    images: Floats
    targets: NDArray[np.int32]
    layer: str
    """The ReLU whose output is explained."""
    before: str
    """The node that this ReLU reads: the same place before the ReLU."""


def names() -> list[str]:
    """The probes there are, by file."""
    return sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != SHARED)


_TAKEN: dict[str, Probe] = {}


def take(name: str, architecture: Architecture, weights: Weights) -> Probe:
    """Have a user's network for a probe by that name: of noise, at its usual layer.

    Values of images are in steps of 1/256. Raises BadInput where it has no map to explain.
    """
    layer = resolve_layer(architecture, None)
    noise = np.random.default_rng(0).integers(0, 257, (len(TARGETS), *architecture.input_shape))
    node = architecture[layer]
    read = node.inputs[0] if node.kind == "relu" else layer
    _TAKEN[name] = Probe(
        name, "a user's network", architecture, dict(weights), noise / 256,
        np.array(TARGETS, np.int32) % architecture.classes, layer,
        layer if read == "input" else read,
    )  # fmt: skip
    return _TAKEN[name]


@cache
def load(name: str) -> Probe:
    """A probe by name."""
    if name in _TAKEN:
        return _TAKEN[name]
    path = FOLDER / f"{name}.json"
    form = read_json(path, "probe")
    if "from" in form:
        return _made(name, form, load(form["from"]))
    over = form["weights_over"]
    images = form if "images" in form else None
    shared = read_json(FOLDER / f"{SHARED}.json", "probe") if images is None else form["images"]
    return Probe(
        name,
        form["about"],
        graph.parse({**form["architecture"], "name": name}, str(path)),
        {key: _array(value) / over for key, value in form["weights"].items()},
        _array(shared) / (form["images_over"] if images else shared["over"]),
        np.array(TARGETS, np.int32),
        form["layer"],
        form["before"],
    )


@cache
def network(name: str) -> Reference:
    """The oracle's network of a probe."""
    probe = load(name)
    return runtime.build(probe.architecture, probe.weights)


def _array(form: Any) -> Floats:
    return np.array(form["values"], np.float64).reshape(form["shape"])


def _made(name: str, form: Any, base: Probe) -> Probe:
    weights = dict(base.weights)
    for key, factor in form.get("times", {}).items():
        weights[key] = weights[key] * factor
    for key, columns in form.get("negative", {}).items():
        weights[key] = weights[key].copy()
        weights[key][:, columns] = -np.abs(weights[key][:, columns])
    targets = np.array(form.get("targets", base.targets), np.int32)
    return Probe(
        name, form["about"], base.architecture, weights, base.images, targets, base.layer,
        base.before,
    )  # fmt: skip
