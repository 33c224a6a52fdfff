"""A user's network and images, checked, as a child is told of them."""

from __future__ import annotations

from collections.abc import Sequence
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
    height, width, channels = registered.get(known).input_shape
    size = (height, width, user_files.channels_of(stored) or channels)
    path, images, files, told = _read(asked.images, size, folder / "images.npy")
    where = asked.images[0]
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
    background = ""
    if asked.baselines:
        place, baselines, _, _ = _read(asked.baselines, images.shape[1:], folder / "baselines.npy")
        user_files.check_images(baselines, architecture, asked.baselines[0])
        background = str(place.resolve())
    told += [_scaling(node) for node in architecture.nodes if node.kind == "normalise"]
    names = tuple(map(str, files or ())) or tuple(f"image {n}" for n in range(len(images)))
    context = {
        "images": str(path.resolve()), "weights": str(Path(asked.weights).resolve()),
        "size": images.shape[1:], "classes": classes, "architectures": registered.forms([known]),
        "background": background,
    }  # fmt: skip
    return Given(architecture, images, names, tuple(told), context)


def _read(
    named: Sequence[str], size: tuple[int, ...], place: Path
) -> tuple[Path, user_files.UserImages, Sequence[Path] | None, list[str]]:
    """An array's file, or pictures made one: where it lies, its images, files, and what to say."""
    files = pictures.found(named)
    told = []
    if files is not None:
        told.append(pictures.read(files, (size[0], size[1]), size[2], place).told)
    path = Path(named[0]) if files is None else place
    images, said = user_files.read_images(path)
    return path, images, files, told + ([said] if said else [])


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
