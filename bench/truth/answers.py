"""The oracle's answers, computed once and kept: what every column is compared with.

A cell of this stage has `framework="reference"`. Its answer is a safetensors file under
`context["oracle"]`, named by a digest of all it depends on, so it is never computed twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.record import sealed
from bench.record.cell import Cell
from bench.record.runs import Row
from bench.subject.explainer import Arrays, asked, build, method_of
from bench.subject.fingerprint import code_hash
from bench.subject.inputs import Subject, batch_of, subject
from bench.truth import rounding
from implementations.architecture import registered, weights
from implementations.architecture.graph import Architecture
from implementations.architecture.shapes import operations
from implementations.arrays import Weights
from implementations.contract import Framework
from implementations.oracle import runtime
from implementations.oracle.network import Reference

ORACLE = cast(Framework, runtime)
CHUNK = 32
CHEAP = 2
"""Evaluations an image up to which a method is compared on every image of the set."""
SPARING = 8
"""By what the number of images is divided for a method that costs more."""
TRIES = 8
"""Batches looked through for one with a heatmap that is not zero."""
COSTLY = 200
"""Evaluations an image above which it is compared on as few as may be."""
FEWEST = 6
"""As few images as may be."""
LARGE = 2e11
"""Operations for each image explained above which it is compared on one."""


def images_compared(cell: Cell, most: int) -> int:
    """How many images a method is compared on: fewer where each costs many evaluations."""
    cost = evaluations(cell)
    if cost <= CHEAP:
        return most
    if cost * operations(registered.get(cell.architecture)) > LARGE:
        return 1
    few = min(FEWEST, most)
    return few if cost > COSTLY else max(most // SPARING, few)


def evaluations(cell: Cell) -> int:
    """How many images go through the network for each that a cell of ours explains."""
    architecture = registered.get(cell.architecture)
    like = replace(cell, method=cell.method or "grad_cam", library="")
    method, options, layer = asked(like, architecture)
    return method.cost(options, architecture, layer).evaluations


def of(cell: Cell) -> Cell:
    """The oracle's cell for a column's cell."""
    return replace(
        cell, stage="oracle", framework="reference", backend="", library="", mode="eager",
        precision="float64", device="cpu", threads=0,
        batch=cell.batch if cell.stage == "time" else 0,
    )  # fmt: skip


def cells_for(cells: Iterable[Cell]) -> list[Cell]:
    """The answers that these cells will ask for, each once."""
    return list(dict.fromkeys(of(cell) for cell in cells))


def answer_path(cell: Cell, about: Subject, folder: Path) -> Path:
    """Where the answer to a cell is kept."""
    parts: tuple[Any, ...] = (
        about.weights_sha, about.inputs_sha, registered.digest(about.architecture), cell.method,
        cell.layer, cell.score, cell.options, code_hash("reference", cell.method, ""),
    )  # fmt: skip
    if method_of(cell).card.draws:
        parts = (*parts, cell.seed)
    if method_of(cell).card.resampled and about.background is not None:
        parts = (*parts, weights.digest({"background": about.background}))
    return folder / f"{weights.digest({repr(parts): np.zeros(0)})}.safetensors"


def answer(cell: Cell, about: Subject, folder: Path) -> Arrays:
    """The oracle's stages, `logits`, `targets` (the predicted class) and the logits' sums."""
    return sealed.kept(answer_path(cell, about, folder), lambda: computed(cell, about))


def computed(cell: Cell, about: Subject, targets: NDArray[Any] | None = None) -> Arrays:
    """The same, computed and not kept; of these targets where they are given."""
    explainer = build(
        of(cell), about.architecture, about.weights, method_of(cell).outputs, about.background
    )
    unlike, each = _unlike(about.images)
    if targets is not None:
        unlike, each = about.images, np.arange(len(about.images))
    chunks = [unlike[i : i + CHUNK] for i in range(0, len(unlike), CHUNK)]
    logits = np.concatenate([explainer.logits(chunk) for chunk in chunks])
    if targets is None:
        targets = logits.argmax(axis=1).astype(np.int32)
    parts = list(explainer.stages(unlike, targets, min(CHUNK, len(unlike))))
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    network = runtime.build(about.architecture, about.weights)
    sums = [rounding.logit_sums(network, chunk.astype(np.float64)) for chunk in chunks]
    arrays |= {
        "logits": logits,
        "targets": targets,
        "logit_terms": np.concatenate([terms for terms, _ in sums]),
    }
    arrays = {name: array[each] for name, array in arrays.items()}
    arrays["logit_count"] = np.array(sums[0][1])
    return arrays


def timed_batch(cell: Cell, context: Mapping[str, Any]) -> tuple[Subject, Arrays]:
    """The images that a cell with a batch is timed on, and the answer to them.

    From the first image on that gives a heatmap other than zero: of a map that the ReLU has emptied
    agreement says nothing. From the first of all where none of a few does.
    """
    batches = (batch_of(cell, context, first) for first in range(TRIES))
    answered = ((about, answer(cell, about, Path(context["oracle"]))) for about in batches)
    start = next(answered)
    return next((one for one in chain([start], answered) if one[1]["heatmap"].any()), start)


def network(architecture: Architecture, tensors: Weights) -> Reference:
    """The oracle's network of these weights, for what is no heatmap."""
    return runtime.build(architecture, tensors)


def _unlike(images: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Every image once, and for each of these the number of the one that it is.

    A batch may have an image many times, and a large network takes seconds for each.
    """
    unlike, each = np.unique(images, axis=0, return_inverse=True)
    return unlike, each.reshape(-1)


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    """Compute and keep one answer."""
    if cell.batch:
        about, found = timed_batch(cell, context)
    else:
        about = subject(cell, context, images_compared(cell, context["n_images"]))
        found = answer(cell, about, Path(context["oracle"]))
    yield {"n_images": len(found["logits"]), "weights_sha": about.weights_sha}
