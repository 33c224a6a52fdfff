"""Hosts: one network's weights, written in the several ways in which users write a network.

A module a framework, named like it, with `HOSTS` (name -> what is particular about it),
`LAYERLESS` (hosts that have no object for a ReLU, so that a layer is the node before it) and
`make(host, architecture, weights)`.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations import frameworks
from implementations.architecture.graph import Architecture
from implementations.arrays import Array, Floats, Weights
from implementations.contract import Framework

PLAIN = "plain"
STATED = ("HOSTS", "LAYERLESS")
OWN = "own"
"""Our own network, not a user's."""


@dataclass(frozen=True)
class Host:
    """A network as a user would hold it.

    `model` is the user's own object, `network` what a library's builder of ours takes (in PyTorch
    the same), `layer` finds a node's output in the model: a module, or a layer's name.
    `put` makes the user's arrays of images (N, H, W, C) and targets (N,); `around` is what the
    user has around the call.
    """

    name: str
    model: Any
    network: Any
    framework: Framework
    layer: Callable[[str], Any]
    put: Callable[[NDArray[Any], NDArray[Any]], tuple[Array, Array]]
    around: Callable[[], AbstractContextManager[Any]]
    evaluated: Callable[[Array], Array]
    """What the model says of placed images (N, K), in inference mode, on the host."""
    prepare: Callable[[], None] = lambda: None
    """What the user does to the model right before it is explained."""
    scores: str = "logit"
    """What the model's output is: a logit, or a probability."""
    precision: str = "float32"
    named: Callable[[str], str] = str
    """The name by which a builder of ours finds a node's output."""

    def says(self, images: NDArray[Any]) -> NDArray[np.float64]:
        """The model's output (N, K) for images (N, H, W, C)."""
        placed, _ = self.put(images, np.zeros(len(images), np.int32))
        return np.asarray(self.framework.to_numpy(self.evaluated(placed)), np.float64)


def about(framework: str) -> Mapping[str, str]:
    """The hosts of a framework, and what is particular about each; none where it has no library."""
    found: Mapping[str, str] = _stated(framework).get("HOSTS", {})
    return found


def layerless(framework: str) -> Sequence[str]:
    """Those of a framework's hosts that have no object for a ReLU."""
    found: Sequence[str] = _stated(framework).get("LAYERLESS", ())
    return found


@cache
def _stated(framework: str) -> dict[str, Any]:
    """The literals of a framework's hosts, from their text: nothing is imported."""
    path = Path(__file__).parent / framework / "hosts" / "__init__.py"
    found = {}
    for statement in ast.parse(path.read_text("utf-8")).body if path.exists() else ():
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in STATED:
                found[name] = ast.literal_eval(value)
    return found


def make(framework: str, name: str, architecture: Architecture, weights: Weights) -> Host:
    """A host by name. Raises Unavailable where it cannot be had here."""
    host: Host = _module(framework).make(name, architecture, weights)
    return host


def own(framework: str, architecture: Architecture, weights: Weights, precision: str) -> Host:
    """Our own network, as our builders take it."""
    module = frameworks.load(framework)
    network: Any = module.build(architecture, weights, "cpu", precision)
    return Host(
        OWN, network, network, module, lambda node: node,
        lambda images, targets: module.put(network, images, targets), nullcontext, network,
        precision=precision,
    )  # fmt: skip


def _module(framework: str) -> ModuleType:
    return importlib.import_module(f"{frameworks.__name__}.{framework}.hosts")


@dataclass(frozen=True)
class Source:
    """A host as the lines of a file: imports, what makes it, and how maps become NumPy's."""

    imports: str
    lines: list[str]
    convert: str
    before: str = ""
    """What stands before the call."""


def source(
    framework: str, name: str, architecture: Architecture, weights: Weights, images: Floats,
    node: str,
) -> Source:  # fmt: skip
    """A host as lines that need nothing of ours. Raises Unavailable where it has none."""
    module = importlib.import_module(f"{frameworks.__name__}.{framework}.hosts.source")
    found: Source = module.source(name, architecture, weights, images, node)
    return found


def literal(array: NDArray[Any], digits: int = 9) -> str:
    """An array's values as a flat list in a source text, whole numbers as such."""
    flat = np.asarray(array, np.float64).ravel()
    return f"[{', '.join(f'{value:.{digits}g}' for value in flat)}]"
