"""A user's network and images, checked, as a child is told of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cli import pictures, user_files
from bench.cli.options import Single
from bench.record.cell import Column
from implementations.architecture import pretrained, registered, weights
from implementations.architecture.graph import Architecture
from implementations.architecture.node import Node
from implementations.errors import BadInput, Unavailable


@dataclass(frozen=True)
class Given:
    """What `explain` and `predict` are of: `names` are the images', `told` is to be said."""

    architecture: Architecture
    images: user_files.UserImages
    names: tuple[str, ...]
    told: tuple[str, ...]
    context: dict[str, Any]


def take(asked: Single, folder: Path) -> Given:
    """Read and check the network and the images; pictures become an array in the folder.

    Raises BadInput.
    """
    known = asked.known
    stored = weights.load(Path(asked.weights), most_bytes=user_files.MOST_WEIGHTS)
    classes = user_files.classes_of(registered.get(known), stored)
    files = pictures.found(asked.images)
    path, told = Path(asked.images[0]), []
    if files is not None:
        height, width, channels = registered.get(known).input_shape
        path = folder / "images.npy"
        channels = user_files.channels_of(stored) or channels
        told.append(pictures.read(files, (height, width), channels, path).told)
    where = asked.images[0]
    images, said = user_files.read_images(path)
    told += [said] if said else []
    height, width, channels = images.shape[1:]
    architecture = registered.get(known, (height, width, channels), classes)
    user_files.check_images(images, architecture, where)
    user_files.check_channels(architecture, stored, where)
    try:
        pretrained.neutral(Path(asked.weights), architecture, stored)
    except BadInput as error:
        if asked.file or not str(error).endswith(weights.ANOTHER):
            raise
        # A registered architecture takes the images' shape, so they may be what is wrong.
        these = f"{height} x {width} x {channels}"
        also = f"{error}, or of this one for images of another size than these of {these}"
        raise BadInput(also) from error
    told += [_scaling(node) for node in architecture.nodes if node.kind == "normalise"]
    names = tuple(map(str, files or ())) or tuple(f"image {n}" for n in range(len(images)))
    context = {
        "images": str(path.resolve()), "weights": str(Path(asked.weights).resolve()),
        "size": images.shape[1:], "classes": classes, "architectures": registered.forms([known]),
    }  # fmt: skip
    return Given(architecture, images, names, tuple(told), context)


def _scaling(node: Node) -> str:
    """What a network does first with images in [0, 1]."""
    mean, deviation = (
        ", ".join(f"{255 * value:.4g}" for value in node[part]) for part in ("mean", "deviation")
    )
    order = f", its colours in the order {node['order']}" if node["order"] is not None else ""
    return f"the network scales 0..255 itself: less {mean}, divided by {deviation}{order}"


def require(column: Column, device: str) -> None:
    """Raises Unavailable where the column or the device is not here."""
    from bench.record import machine

    machine.require(device)
    if column.missing:
        mend = f"pip install {' '.join(column.packages)}"
        raise Unavailable(f"{column.label}: {column.missing}; {mend}")
