"""`prototype`: what a network takes for each class, grown from a flat image or from one given."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.cli import given, prototype_picture, user_files
from bench.cli.options import Single
from bench.engine.progress import answer
from bench.subject import drawn, names
from bench.subject.prototypes import METHOD
from implementations.architecture import registered, tensor_file, weights
from implementations.architecture.graph import Architecture
from implementations.errors import BadInput, Unavailable, one_line
from implementations.files import replacing

FAILED = 1
RECOGNISED = 0.99
"""A smaller probability of the class is pointed at."""
UNSURE = "; an image to --start from, or more steps (--option steps=10000), may help"
"""Where an image leaves no ReLU open, no step finds a way from it."""
FLAT = {"grey": 0.5, "black": 0.0}
"""Flat images to start from, by their level; the first where none is given. From black no class of
the data set `shapes` but two is found, as its biases alone open hardly a ReLU; from grey all are.
"""


class Means(NamedTuple):
    """The classes' mean images (K, H, W, C), where they are from, and the classes' names."""

    images: NDArray[np.float32]
    where: str
    names: tuple[str, ...]


def run(asked: Single) -> int:
    """`prototype`: pictures grown in a child, one a class; 1 where it broke.

    All that can be seen to be wrong is refused here, before a framework is imported. Raises
    BadInput and Unavailable.
    """
    from bench.cli import prototyped
    from bench.engine import scratch
    from bench.engine.alone import alone
    from bench.engine.progress import ticker
    from bench.record import cell as cells
    from bench.stages import explain as stage

    column = names.column(asked.framework, asked.backend)
    cell = cells.Cell(
        stage="explain", framework=column.framework, backend=column.backend, dataset="",
        architecture=asked.known, device=asked.device, options=asked.options,
        mode=stage.default_mode(column.framework, None, asked.mode),
        precision=stage.default_precision(column.framework, asked.precision),
    )  # fmt: skip
    METHOD.resolve(dict(asked.options))
    inputs = [None if asked.start in FLAT else asked.start, asked.means, asked.weights, asked.file]
    user_files.check_writable(asked.out, inputs)
    picture = asked.picture or asked.out.with_suffix(".png")
    drawn.check(drawn.Look(), picture)
    user_files.check_writable(picture, inputs, asked.out)
    with (
        weights.writing(asked.out),
        tempfile.TemporaryDirectory(dir=scratch.folder()) as taken,
    ):
        folder = Path(taken)
        means = _means(asked)
        subject = _subject(asked, means, folder)
        classes = _classes(asked, subject.architecture)
        starts, pulls = _starts(asked, subject, classes), _pulls(means, subject, classes)
        given.require(column, asked.device)
        for told in subject.told:
            print(f"python -m bench prototype: {told}", file=sys.stderr)  # noqa: T201
        np.savez(folder / "given.npz", starts=starts, means=pulls, targets=classes)
        made = folder / "made.safetensors"
        context = {**subject.context, "given": str(folder / "given.npz"), "out": str(made)}
        with ticker("prototype", 1) as progress:
            row = alone(prototyped.__name__, cell, context, progress.say)[-1]
            progress.tick("")
        if row["status"] == prototyped.REFUSED:
            raise BadInput(row["reason"])
        if row["status"] == "skipped":
            raise Unavailable(row["reason"])
        if row["status"] != "ok":
            print(f"{row['said']}python -m bench prototype: {row['reason']}", file=sys.stderr)  # noqa: T201
            return FAILED
        arrays = weights.load(made)
    lines, titles = _told(classes, means.names if means else (), arrays)
    shown = prototype_picture.drawn(starts, arrays["prototype"], titles)
    with replacing(asked.out) as stream:
        tensor_file.write(stream, {**arrays, "classes": classes}, {})
        stream.flush()
        with replacing(picture) as other:  # both are put in their places, or neither
            other.write(shown)
    answer.print("\n".join(lines))
    answer.print(one_line(f"prototypes are in {asked.out}, the picture in {picture}"))
    return 0


def _means(asked: Single) -> Means | None:
    """The mean images asked for: of a file, or of a data set's training images. Raises BadInput."""
    if asked.means and asked.dataset:
        raise BadInput("--means and --dataset both give the classes' mean images; name one")
    if asked.means:
        read, _ = user_files.read_images(Path(asked.means))
        return Means(read[:], asked.means, ())
    if not asked.dataset:
        return None
    from bench.subject.inputs import training_data

    data, architecture = training_data(
        asked.dataset, asked.known, asked.data_dir, asked.allow_unverified
    )
    each = [data.train_images[data.train_labels == k] for k in range(architecture.classes)]
    empty = [name for name, images in zip(data.class_names, each, strict=True) if not len(images)]
    if empty:
        raise BadInput(f"{asked.dataset} has no training image of {empty[0]}: give --means")
    images = np.stack([some.mean(axis=0, dtype=np.float64) for some in each]).astype(np.float32)
    return Means(images, asked.dataset, tuple(map(str, data.class_names)))


def _subject(asked: Single, means: Means | None, folder: Path) -> given.Given:
    """The network, and the image to start from: a flat one of its size, or the one given."""
    place = asked.start or next(iter(FLAT))
    if place in FLAT:
        stored = weights.load(Path(asked.weights), most_bytes=user_files.MOST_WEIGHTS)
        height, width, channels = registered.get(asked.known).input_shape
        shape = (height, width, user_files.channels_of(stored) or channels)
        shape = shape if means is None else means.images.shape[1:]
        level, place = FLAT[place], str(folder / "flat.npy")
        np.save(place, np.full((1, *shape), level, np.float32))
    return given.take(replace(asked, images=(place,), network=""), folder)


def _classes(asked: Single, architecture: Architecture) -> NDArray[np.int32]:
    """The classes asked for, by default all. Raises BadInput."""
    known = [str(k) for k in range(architecture.classes)]
    wrong = [text for text in asked.classes if text not in (*known, "all")]
    if wrong:
        raise BadInput(f"--classes: {wrong[0]} is not one of 0 to {known[-1]}, or all")
    chosen = known if "all" in asked.classes else asked.classes or known
    return np.array([int(k) for k in chosen], np.int32)


def _starts(asked: Single, subject: given.Given, classes: NDArray[Any]) -> NDArray[np.float32]:
    """An image for each class (n, H, W, C). Raises BadInput."""
    images = subject.images[:]
    if len(images) not in (1, len(classes)):
        told = f"{len(images)} images for {len(classes)} classes"
        raise BadInput(f"--start {asked.start}: {told}; give one, or one a class")
    return np.ascontiguousarray(np.broadcast_to(images, (len(classes), *images.shape[1:])))


def _pulls(means: Means | None, subject: given.Given, classes: NDArray[Any]) -> NDArray[np.float32]:
    """The mean image of each class, black where none are given. Raises BadInput."""
    known = subject.architecture
    wanted = (known.classes, *known.input_shape)
    if means is None:
        return np.zeros((len(classes), *known.input_shape), np.float32)
    if means.images.shape != wanted:
        raise BadInput(
            f"{means.where}: mean images have shape {means.images.shape}, "
            f"{known.name} needs {wanted}, (K, H, W, C)"
        )
    return np.asarray(means.images[classes])


def _told(
    classes: NDArray[Any], class_names: Sequence[str], arrays: dict[str, NDArray[Any]]
) -> tuple[list[str], list[str]]:
    """What is said of how well each is recognised; what stands above its picture."""
    losses, reached = arrays["losses"], arrays["probability"]
    lines, titles = [], []
    for k, course, probability in zip(classes, losses, reached, strict=True):
        name = class_names[k] if class_names else f"class {k}"
        more = "" if probability >= RECOGNISED else UNSURE
        lines.append(
            f"{name}: probability {probability:.4f} after {len(course) - 1} steps, "
            f"loss {course[0]:.4g} to {course[-1]:.4g}{more}"
        )
        titles.append(f"{name}\n{100 * probability:.2f} %")
    return lines, titles
