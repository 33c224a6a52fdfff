"""What a cell is given: the network's weights and the images, as files a child process reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import datasets
from bench.record import sealed
from bench.record.cell import Cell
from bench.record.runs import LOCAL, RESULTS
from datasets.contract import Dataset, centre
from implementations.architecture import pretrained, registered, weights
from implementations.architecture.graph import Architecture
from implementations.architecture.recipes import recipe
from implementations.errors import BadInput

RANDOM_SEED = 20
BACKGROUND = 64
"""Training images that baselines are drawn from."""
INITIAL = "initial"
"""Weights as training would begin with them: a network that has learnt nothing."""


@dataclass(frozen=True)
class Subject:
    """A network to be explained and the images to explain, the same for every implementation."""

    architecture: Architecture
    weights: dict[str, NDArray[Any]]
    images: NDArray[np.float32]
    labels: NDArray[np.int32]
    masks: NDArray[np.bool_] | None
    verified: bool
    fill: NDArray[np.float32]
    """What stands for a pixel that is removed: each colour's median over the training images."""
    kernels: str = "lecun_normal"
    """The distribution that training first draws kernels from."""
    background: NDArray[np.float32] | None = None
    """The first training images (B, H, W, C), which baselines are drawn from; none of some sets."""

    @property
    def weights_sha(self) -> str:
        """Digest of the weights."""
        return weights.digest(self.weights)

    @property
    def inputs_sha(self) -> str:
        """Digest of the images."""
        return weights.digest({"images": self.images})


def prepare_images(
    dataset: str, n: int, work: Path, data_dir: str | None, allow_unverified: bool
) -> Path:
    """The first `n` test images of a data set in a file for the children.

    Made once, but for images that need not be the published ones: they may be others each time.
    """
    path = work / f"images-{dataset}-{n}{'-unverified' * allow_unverified}.safetensors"

    def made() -> dict[str, NDArray[Any]]:
        data = datasets.load(dataset, data_dir, allow_unverified)
        arrays: dict[str, NDArray[Any]] = {
            "images": data.test_images[:n],
            "labels": data.test_labels[:n],
            "classes": np.array(len(data.class_names)),
            "verified": np.array(data.verified),
            "fill": _median(data.train_images if len(data.train_images) else data.test_images),
            "background": data.train_images[:BACKGROUND],
        }
        if data.whole is not None:
            arrays["whole"] = data.whole[:n]
        if data.test_masks is not None:
            arrays["masks"] = data.test_masks[:n]
        return arrays

    if allow_unverified:
        work.mkdir(parents=True, exist_ok=True)
        sealed.save(path, made())
    elif "background" not in sealed.kept(path, made):  # of before there was one
        sealed.save(path, made())
    return path


def training_data(
    dataset: str, architecture: str, data_dir: str | None, allow_unverified: bool
) -> tuple[Dataset, Architecture]:
    """A data set, and an architecture at its shape. Raises BadInput where the two do not fit."""
    data = datasets.load(dataset, data_dir, allow_unverified)
    if not len(data.train_images):
        raise BadInput(f"{dataset} has no training images: its network comes trained")
    height, width, channels = shape = data.train_images.shape[1:]
    graph = registered.get(architecture, (height, width, channels), len(data.class_names))
    fit(graph, shape, len(data.class_names))
    return data, graph


def _median(images: NDArray[Any]) -> NDArray[np.float32]:
    """Of each colour (C,): the empty background, without being told."""
    return np.asarray(np.median(images, axis=(0, 1, 2)), np.float32)


def class_names(dataset: str, data_dir: str | None, allow_unverified: bool) -> tuple[str, ...]:
    """What a data set's classes are called."""
    return datasets.load(dataset, data_dir, allow_unverified).class_names


def has_masks(images: Path) -> bool:
    """Whether a file of `prepare_images` has the true mask of each object."""
    return "masks" in weights.shapes(images)


def shared_weights(dataset: str, architecture: str, results: Path = LOCAL) -> Path:
    """Where the trained weights that all columns are given lie.

    A user's own results go on from the published ones where they have none. Pretrained ones are
    taken from the folder that CAMPARISON_WEIGHTS names, or from an installed package. Raises
    BadInput for a JSON file that is no architecture.
    """
    path = own_weights(dataset, architecture, results)
    if results == LOCAL and not path.exists():
        tracked = own_weights(dataset, architecture, RESULTS)
        return tracked if tracked.exists() else path
    return path


def own_weights(dataset: str, architecture: str, results: Path) -> Path:
    """Where training writes the weights that all columns are given, or those in its folder lie."""
    beside = registered.own_weights(architecture)
    beside = beside or pretrained.at_hand(architecture, results / "weights")
    if beside:
        return beside
    return results / "weights" / f"{dataset}--{registered.file_name(architecture)}.safetensors"


def architecture_for(name: str, images: Path) -> Architecture:
    """An architecture at the shape of a data set, given the file of its images. Raises BadInput.

    One of a size of its own has it where the images can be had at any.
    """
    held = weights.shapes(images)
    shape = held["images"][1:]
    classes = int(weights.load(images, only=["classes"])["classes"].item())
    architecture = registered.get(name, (shape[0], shape[1], shape[2]), classes)
    if "whole" in held:
        shape = (*architecture.input_shape[:2], shape[2])
    fit(architecture, shape, classes)
    return architecture


def convolves(architecture: Architecture) -> bool:
    """Whether it has a convolution, and so a layer for a heatmap."""
    return any(node.kind == "conv" for node in architecture.nodes)


def fit(architecture: Architecture, shape: tuple[int, ...], classes: int) -> None:
    """Raises BadInput where a network cannot read a data set's images or tell its classes."""
    if architecture.input_shape != shape:
        raise BadInput(f"{architecture.name} reads {architecture.input_shape}, not {shape} images")
    if architecture.classes != classes:
        told = f"{architecture.name} tells {architecture.classes} classes"
        raise BadInput(f"{told}, the data set has {classes}; make its last node that wide")


def subject(cell: Cell, context: Mapping[str, Any], n: int | None = None) -> Subject:
    """The network and the first `n` images of a cell.

    `cell.weights` is `random`, `initial`, `trained` (the shared file) or a key of
    `context["weights"]`.
    """
    arrays = sealed.load(Path(context["images"][cell.dataset]))
    images = arrays["images"][:n]
    architecture = architecture_for(cell.architecture, Path(context["images"][cell.dataset]))
    height, width, _ = architecture.input_shape
    if "whole" in arrays:
        images = centre(arrays["whole"][:n], (height, width))
    kernels = recipe(cell.architecture, cell.dataset).kernels
    if cell.weights == "random":
        tensors: dict[str, NDArray[Any]] = dict(weights.randomise(architecture, RANDOM_SEED))
    elif cell.weights == INITIAL:
        tensors = dict(weights.initialise(architecture, RANDOM_SEED, kernels))
    else:
        path = Path(context["weights"][f"{cell.dataset}/{cell.architecture}/{cell.weights}"])
        tensors = pretrained.neutral(path, architecture)
    masks = arrays["masks"][:n] if "masks" in arrays else None
    verified = bool(arrays["verified"].item())
    labels, fill, background = arrays["labels"][:n], arrays["fill"], arrays["background"]
    return Subject(
        architecture, tensors, images, labels, masks, verified, fill, kernels, background
    )


def batch_of(cell: Cell, context: Mapping[str, Any], first: int = 0) -> Subject:
    """The images of a cell with a batch, from the first on, repeated where the set is smaller."""
    about = subject(cell, context)
    turns = (first + np.arange(cell.batch)) % len(about.images)
    return replace(about, images=about.images[turns], labels=about.labels[turns], masks=None)
