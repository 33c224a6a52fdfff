"""Class prototypes of one network in one column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record.cell import Cell
from bench.subject.explainer import load_framework
from implementations.architecture.graph import Architecture
from implementations.arrays import Images, Targets, Weights
from implementations.errors import BadInput
from implementations.methods import NamedMethod, class_prototypes
from implementations.methods.passes import blocks

METHOD = NamedMethod("class_prototypes", class_prototypes)


def grow(
    cell: Cell,
    architecture: Architecture,
    tensors: Weights,
    images: Images,
    targets: Targets,
    means: Images,
    tell: Callable[[str], None],
) -> dict[str, NDArray[Any]]:
    """Every output by name, of images (N, H, W, C) to start from, a class and its mean image each.

    `tell` hears what is begun. Raises Unavailable, and BadInput where the loss overflows.
    """
    framework, _ = load_framework(cell)
    network = framework.build(architecture, tensors, cell.device, cell.precision)
    options = METHOD.resolve(dict(cell.options))
    compile = framework.compiler(network, METHOD.outputs, cell.mode)
    explain = METHOD.builder(cell.framework)(network, "input", options, compile)
    parts = []
    for some, known in blocks(len(images), network.capacity):
        tell(f"{options.steps} steps of {len(targets[some])} images")
        placed = framework.put(network, images[some], targets[some])
        made = explain(network, *placed, framework.place(network, {"means": means[some]}))
        parts.append({name: framework.to_numpy(made[name])[known:] for name in METHOD.outputs})
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in METHOD.outputs}
    wrong = np.flatnonzero(~np.isfinite(arrays["losses"]).all(axis=1))
    if len(wrong):
        told = f"the loss of class {targets[wrong[0]]} is not finite"
        raise BadInput(f"{told}; take a smaller rate: --option rate=0.001")
    return arrays
