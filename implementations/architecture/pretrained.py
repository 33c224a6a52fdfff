"""Networks that people trained: real weights in neutral form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from implementations.architecture import registered
from implementations.architecture.graph import Architecture
from implementations.architecture.shapes import parameters
from implementations.architecture.weights import check, load
from implementations.arrays import Weights
from implementations.errors import BadInput

SQUEEZENET = "squeezenet-1.0"
FILES = {SQUEEZENET: "squeezenet_v1_0.safetensors"}
"""Architecture -> its file in a folder of pretrained weights."""


def neutral(
    path: Path, architecture: Architecture, stored: Weights | None = None
) -> dict[str, NDArray[Any]]:
    """The weights in a file, neutral already or SqueezeNet's in PyTorch's names and layouts.

    `stored` is what the file holds, where it has been read. Every tensor of the file is consumed
    exactly once. Raises BadInput that names the tensor.
    """
    tensors = load(path) if stored is None else dict(stored)
    if architecture.name == SQUEEZENET and "fire2.squeeze1x1.weight" in tensors:
        return _from_pytorch(tensors, architecture, str(path))
    check(architecture, tensors, str(path))
    return tensors


def squeezenet(path: Path) -> dict[str, NDArray[Any]]:
    """SqueezeNet v1.0 (Iandola et al. 2016, arXiv 1602.07360), neutral. Raises BadInput."""
    return neutral(path, registered.get(SQUEEZENET))


def _from_pytorch(
    tensors: Weights, architecture: Architecture, where: str
) -> dict[str, NDArray[Any]]:
    """`fire2.squeeze1x1.weight` (O, I, H, W) to `fire2_squeeze1x1.kernel` (H, W, I, O)."""
    left, converted = dict(tensors), {}
    for name in parameters(architecture):
        node, part = name.split(".")
        source = f"{node.replace('_', '.')}.{'weight' if part == 'kernel' else part}"
        if source not in left:
            raise BadInput(f"{where}: no tensor {source!r}; fetch the file again")
        array = left.pop(source)
        converted[name] = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
    if left:
        raise BadInput(f"{where}: tensor {min(left)!r} belongs to no node of {architecture.name}")
    check(architecture, converted, where)
    return converted
