"""`explain`: heatmaps of a user's images with a user's network, in one column, streamed.

Images are read from a memory-mapped file and results written row by row into the file, so the peak
of memory does not grow with the number of images.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.record.array_file import ArrayFile
from bench.record.cell import Cell
from bench.stages import shards
from bench.stages.shards import Seen
from bench.subject.explainer import Explainer, build, method_of
from bench.subject.fingerprint import code_of
from bench.subject.heatmaps import normalise
from implementations import frameworks
from implementations.architecture.graph import Architecture
from implementations.architecture.weights import digest
from implementations.arrays import Weights
from implementations.errors import BadInput

BATCH = 64
PART = 1 << 28
"""Bytes of what is explained at once, as it is written."""


class Images(Protocol):
    """Images (N, H, W, C), float32 in [0, 1], of which a part at a time is in memory."""

    shape: Any

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> NDArray[np.float32]: ...


class Targets(Protocol):
    """Classes (N,) int32, of which a part at a time is in memory."""

    def __getitem__(self, part: slice, /) -> NDArray[np.int32]: ...


@dataclass(frozen=True)
class Explanation:
    """What to explain: images (N, H, W, C) in [0, 1], targets (N,) or None, and where to.

    `batch` images are explained at once, fewer where the maps of so many need too much memory; 0
    leaves it to the method's cost. But for `none`, the maps are written scaled for display too.
    With `shards` that many files are written, into the folder `out`, with an index. A method that
    draws baselines draws them from `background` (B, H, W, C), where there is one.
    """

    images: Images
    targets: Targets | None
    out: Path
    save_stages: bool
    batch: int
    normaliser: str = "none"
    shards: int = 0
    background: NDArray[np.float32] | None = None


def of(cell: Cell, layer: str) -> dict[str, str]:
    """What a file of heatmaps says of itself."""
    return {
        "cell": str(cell),
        "layer": layer,
        "score": cell.score,
        "options": ", ".join(f"{name}={value}" for name, value in cell.options),
        "convention": "heatmap raw at the layer; upsampled bilinear, half-pixel centres",
    }


def of_shards(
    cell: Cell, layer: str, tensors: Weights, save_stages: bool, normaliser: str,
    background: NDArray[np.float32] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What shards are of: those of anything else are another's."""
    written = [*_written(cell, save_stages)]
    also = {"weights_sha": digest(tensors), "code_hash": code_of(cell), "written": written}
    if background is not None:
        also["background"] = digest({"background": background})
    return {**of(cell, layer), **also, "normalised": normaliser}


class Stream:
    """An explainer and what it is asked, ready to write files of any part of the images.

    `tell` hears after every batch how far it is.
    """

    def __init__(
        self,
        cell: Cell,
        architecture: Architecture,
        tensors: Weights,
        request: Explanation,
        tell: Callable[[str], None],
    ) -> None:
        self.request, self._tell = request, tell
        outputs = _written(cell, request.save_stages)
        self._explainer = build(cell, architecture, tensors, outputs, request.background)
        most = _at_most(self._explainer, architecture)
        self._batch = min(request.batch or _batch(self._explainer), most, len(request.images))
        self.layer = self._explainer.layer
        self._about = of(cell, self.layer)

    def of(self, images: Images, targets: Targets | None) -> Stream:
        """The same of other images and targets."""
        other = copy(self)
        other.request = replace(self.request, images=images, targets=targets)
        return other

    def look(self, start: int, stop: int) -> tuple[NDArray[np.float32], NDArray[np.int32] | None]:
        """Images, and their targets where they are given."""
        given = self.request.targets
        return self.request.images[start:stop], None if given is None else given[start:stop]

    @np.errstate(over="ignore", invalid="ignore")  # What is not finite is refused.
    def fill(self, out: Path, start: int, stop: int, seen: Seen | None = None) -> None:
        """Write logits, targets, heatmap and upsampled, and of `save_stages` what else there is.

        Raises BadInput where weights overflow, or the place cannot be written.
        """
        n = len(self.request.images)
        file: ArrayFile | None = None
        try:
            for first in range(start, stop, self._batch):
                images, targets = self.look(first, min(first + self._batch, stop))
                if seen:
                    seen(images, targets)
                part = _explain_batch(
                    self._explainer, self.request, images, targets, first, self._batch
                )
                file = file or ArrayFile(out, stop - start, part, self._about)
                file.write(first - start, part)
                self._tell(f"{first + len(images)} of {n} images")
        except BaseException:
            if file:
                file.discard()
            raise
        if file:
            file.close()


def explain(
    cell: Cell,
    architecture: Architecture,
    tensors: Weights,
    request: Explanation,
    tell: Callable[[str], None],
) -> None:
    """Write all images' heatmaps, in one file or in shards. Raises BadInput as `Stream` does."""
    stream = Stream(cell, architecture, tensors, request, tell)
    n = len(request.images)
    if request.shards:
        told = of_shards(
            cell, stream.layer, tensors, request.save_stages, request.normaliser,
            request.background,
        )  # fmt: skip
        index = shards.Index(request.out, n, request.shards, told, stream.look)
        for shard in index.missing:
            index.add(shards.made(request.out, shard, stream.fill))
        index.close()
    else:
        stream.fill(request.out, 0, n)


def _written(cell: Cell, save_stages: bool) -> tuple[str, ...]:
    return tuple(method_of(cell).outputs) if save_stages else ("heatmap",)


def _batch(explainer: Explainer) -> int:
    """Fewer images at once for methods of many evaluations, whose passes are larger batches."""
    return BATCH if explainer.evaluations in (1, 2) else BATCH // 8


def _at_most(explainer: Explainer, architecture: Architecture) -> int:
    """How many images at once: one at least, and no more than `PART` bytes of what is written."""
    height, width, channels = architecture.input_shape
    maps = architecture.classes if explainer.method.every_class else 1
    # The images and their upsampled maps, in float64 while they are resized, and the layer's.
    layer = math.prod(architecture.shapes[explainer.layer])
    values = height * width * (channels + 2 * maps) + 2 * layer
    return max(PART // (8 * values), 1)


def _explain_batch(
    explainer: Explainer,
    request: Explanation,
    images: NDArray[np.float32],
    targets: NDArray[np.int32] | None,
    start: int,
    batch: int,
) -> dict[str, NDArray[Any]]:
    images = np.ascontiguousarray(images)
    fill = [(0, batch - len(images))] + [(0, 0)] * 3
    logits = explainer.logits(np.pad(images, fill))[: len(images)]
    _check_finite("logits are", logits, start)
    if targets is None:
        targets = logits.argmax(axis=1).astype(np.int32)
    part = next(explainer.stages(images, targets, batch))
    _check_finite("heatmap is", part["heatmap"], start)
    if request.normaliser != "none":
        part["normalised"] = normalise(part["upsampled"], request.normaliser)
    return {"logits": logits, "targets": targets, **part}


def _check_finite(what: str, values: NDArray[Any], start: int) -> None:
    wrong = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
    if len(wrong):
        mend = "the weights are too large for this precision: take smaller ones"
        raise BadInput(f"image {start + wrong[0]}: its {what} not finite; {mend}")


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
