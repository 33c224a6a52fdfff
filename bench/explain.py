"""`explain`: heatmaps of a user's images with a user's network, in one column, streamed.

Images are read from a memory-mapped file and results written row by row into the file, so the peak
of memory does not grow with the number of images.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import MAGIC_PREFIX
from numpy.typing import NDArray

from bench.cells import Cell
from bench.explaining import Explainer, build
from bench.progress import ticker
from bench.streams import ArrayFile
from implementations import frameworks, weights
from implementations.contract import BadInput, Weights
from implementations.graph import Architecture

BATCH = 64
ARCHIVE = b"PK"
"""How a file of several arrays begins."""
STAGES = ("signed", "activations", "gradients", "weights", "completeness_gap")


@dataclass(frozen=True)
class Request:
    """What to explain: images (N, H, W, C) in [0, 1], targets (N,) or None, and where to.

    `batch` images are explained at once; 0 leaves it to the method's cost.
    """

    images: NDArray[np.float32]
    targets: NDArray[np.int32] | None
    out: Path
    save_stages: bool
    batch: int


def read_array(path: Path, what: str) -> NDArray[Any]:
    """A memory-mapped .npy array. Raises BadInput for a missing, broken or object file."""
    try:
        with path.open("rb") as stream:
            if not stream.read(6).startswith((MAGIC_PREFIX, ARCHIVE)):
                raise ValueError("it is no file of NumPy's; numpy.save makes one")
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("it is an archive; save one array with numpy.save")
        return array
    except FileNotFoundError:
        raise BadInput(f"no {what} file {path}") from None
    except (OSError, ValueError, EOFError) as error:
        text = str(error)
        if "Python objects" in text:
            raise BadInput(
                f"{path}: an object array; save {what} as one rectangular numeric array"
            ) from error
        raise BadInput(f"{path} is not a readable .npy file of {what}: {text}") from error


def check_images(images: NDArray[Any], architecture: Architecture, where: str) -> None:
    """Raises BadInput for images that the architecture cannot read, or out of [0, 1]."""
    shape = architecture.input_shape
    if images.ndim != 4:
        raise BadInput(f"{where}: images have shape {images.shape}; they must be (N, H, W, C)")
    if images.shape[1:] != shape:
        name = architecture.name
        raise BadInput(f"{where}: images are {images.shape[1:]}, {name} reads {shape} (H, W, C)")
    if not len(images):
        raise BadInput(f"{where}: the batch is empty; give at least one image")
    if images.dtype != np.float32:
        raise BadInput(f"{where}: images are {images.dtype}; they must be float32 in [0, 1]")
    for start in range(0, len(images), 1024):
        part = images[start : start + 1024]
        bad = ~((part >= 0) & (part <= 1))
        if bad.any():
            place = np.argwhere(bad)[0]
            value = part[tuple(place)]
            index = (start + int(place[0]), *(int(i) for i in place[1:]))
            raise BadInput(f"{where}: value {value} at {index} is not in [0, 1]; scale the images")


def check_channels(architecture: Architecture, stored: Weights, where: str) -> None:
    """Raises BadInput for images of other channels than the weights were trained with."""
    first, channels = architecture.nodes[0], architecture.input_shape[-1]
    kernel = stored.get(f"{first.name}.kernel")
    if first.kind == "conv" and kernel is not None and kernel.ndim == 4:
        wanted = kernel.shape[2] * first["groups"]
        if wanted != channels:
            raise BadInput(
                f"{where}: images have {channels} channels (the last axis), the weights want "
                f"{wanted}; take images or weights of the other kind"
            )


def classes_of(architecture: Architecture, stored: Weights) -> int:
    """The number of classes that weights were trained for: the width of the last kernel."""
    last = [node.name for node in architecture.nodes if node.kind in ("dense", "conv")][-1:]
    kernel = stored.get(f"{last[0]}.kernel") if last else None
    return int(kernel.shape[-1]) if kernel is not None and kernel.ndim else architecture.classes


def check_targets(targets: NDArray[Any], n: int, classes: int, where: str) -> NDArray[np.int32]:
    """Targets as int32. Raises BadInput for a wrong length, type or class."""
    if targets.shape != (n,):
        raise BadInput(f"{where}: targets have shape {targets.shape}, {n} images need ({n},)")
    if targets.dtype.kind not in "iu":
        raise BadInput(f"{where}: targets are {targets.dtype}; they must be whole numbers")
    wrong = np.flatnonzero((targets < 0) | (targets >= classes))
    if len(wrong):
        value, index = targets[wrong[0]], wrong[0]
        raise BadInput(f"{where}: target {value} at {index} is not one of 0 to {classes - 1}")
    return targets.astype(np.int32)


@np.errstate(over="ignore", invalid="ignore")  # What is not finite is refused.
def explain(
    cell: Cell,
    architecture: Architecture,
    tensors: Weights,
    request: Request,
) -> None:
    """Write logits, targets, heatmap and upsampled, and with `save_stages` what else there is.

    Raises BadInput where weights overflow, or the place cannot be written.
    """
    wanted = ("heatmap", *(STAGES if request.save_stages else ()))
    explainer = build(cell, architecture, tensors, wanted)
    batch = min(request.batch or _batch(explainer), len(request.images))
    n = len(request.images)
    about = {
        "cell": str(cell),
        "layer": explainer.layer,
        "score": cell.score,
        "options": ", ".join(f"{name}={value}" for name, value in cell.options),
        "convention": "heatmap raw at the layer; upsampled bilinear, half-pixel centres",
    }
    file: ArrayFile | None = None
    try:
        with ticker("explain", -(-n // batch)) as progress:
            for start in range(0, n, batch):
                part = _explain_batch(explainer, request, start, batch)
                file = file or ArrayFile(request.out, n, part, about)
                file.write(start, part)
                progress.tick(f"{min(start + batch, n)} of {n} images")
    except BaseException:
        if file:
            file.discard()
        raise
    if file:
        file.close()


def _batch(explainer: Explainer) -> int:
    """Fewer images at once for methods of many evaluations, whose passes are larger batches."""
    return BATCH if explainer.evaluations in (1, 2) else BATCH // 8


def _explain_batch(
    explainer: Explainer, request: Request, start: int, batch: int
) -> dict[str, NDArray[Any]]:
    images = np.ascontiguousarray(request.images[start : start + batch])
    fill = [(0, batch - len(images))] + [(0, 0)] * 3
    logits = explainer.logits(np.pad(images, fill))[: len(images)]
    _check_finite("logits are", logits, start)
    if request.targets is None:
        targets = logits.argmax(axis=1).astype(np.int32)
    else:
        targets = request.targets[start : start + batch]
    part = next(explainer.stages(images, targets, batch))
    _check_finite("heatmap is", part["heatmap"], start)
    return {"logits": logits, "targets": targets, **part}


def _check_finite(what: str, values: NDArray[Any], start: int) -> None:
    wrong = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
    if len(wrong):
        mend = "the weights are too large for this precision: take smaller ones"
        raise BadInput(f"image {start + wrong[0]}: its {what} not finite; {mend}")


def check_writable(path: Path, inputs: Iterable[str | None]) -> None:
    """Raises BadInput before the work rather than after it, and where an input would be lost."""
    with weights.writing(path):
        if not path.parent.is_dir():
            raise BadInput(f"cannot write {path}: no folder {path.parent}; make it or name another")
        for given in filter(None, inputs):
            if path.exists() and Path(given).exists() and path.samefile(given):
                raise BadInput(f"cannot write {path}: it is the input {given}; name another file")
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"):
            pass


def default_precision(framework: str, precision: str | None) -> str:
    """The oracle computes in float64; everything else in float32 unless asked otherwise."""
    own = "float64" if framework == frameworks.REFERENCE else "float32"
    return precision or own


def default_mode(framework: str, library: str | None, mode: str | None) -> str:
    """The oracle and the libraries are eager; everything else compiled unless asked otherwise.

    Raises BadInput for a library in another mode.
    """
    if library and mode not in (None, "eager"):
        raise BadInput(f"libraries run eagerly, {library} too; leave --mode {mode} out")
    eager = library or framework == frameworks.REFERENCE
    return mode or ("eager" if eager else "compiled")
