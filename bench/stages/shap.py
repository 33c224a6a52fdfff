"""SHAP as it was published: five outputs of four correct and four wrong images, in every column.

Its partition explainer with the default of 500 evaluations behind three maskers, and its
permutation explainer with 1,600 behind one, explain the five highest logits of the first four test
images that the network classifies correctly and of the first four that it does not. Values of every
column are held against those of the same explainer given the float64 oracle in the network's place,
which chooses images and outputs. They are kept, class names with them, for the pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.engine.run import Run
from bench.engine.worker import Row
from bench.record.cell import Cell
from bench.stages import Job
from bench.stages.summary import CORRECT, summarise
from bench.subject.heatmaps import relative_error
from bench.subject.inputs import Subject, class_names, subject
from bench.subject.model import load
from bench.subject.networks import Network
from bench.subject.request import Request
from implementations import libraries
from implementations.architecture import weights
from implementations.errors import BadInput
from implementations.frameworks import REFERENCE

EXAMPLES = ("shap", "shap --frameworks jax pytorch", "shap --dataset mnist --architectures cnn-gap")
NETWORK = ("fashion_mnist", "cnn-32-16")
"""What is explained where no data set is named."""
ASKED = {
    "partition inpaint_telea": ("partition", {"masker": "inpaint_telea"}),
    "partition inpaint_ns": ("partition", {"masker": "inpaint_ns"}),
    "partition blur": ("partition", {"masker": "blur", "kernel": "28"}),
    "permutation blur": ("permutation", {"masker": "blur", "kernel": "28", "max_evals": "1600"}),
}
"""Explainer and masker -> SHAP's explainer and its options."""
EACH, OUTPUTS, BATCH = 4, 5, 50
"""Images of either kind, outputs explained, images in one forward pass: as published."""
TOLERANCE = 1e-4
"""Of the largest value of an image and output."""
GAP = "completeness_gap"


def cells(request: Request, networks: Sequence[Network]) -> Iterator[Cell]:
    """Each explainer in every column, float32 and compiled."""
    for dataset, architecture, _ in networks:
        for column in request.columns:
            for offer, options in ASKED.values():
                yield Cell(
                    stage="shap", framework=column.framework, backend=column.backend,
                    method=offer, library="shap", options=tuple(sorted(options.items())),
                    dataset=dataset, architecture=architecture, batch=BATCH,
                    device=request.device, mode="compiled", threads=request.threads,
                )  # fmt: skip


def reference(cell: Cell) -> Cell:
    """The same of the oracle."""
    return replace(
        cell, framework=REFERENCE, backend="", mode="eager", precision="float64", device="cpu"
    )


def kept(cell: Cell, context: Mapping[str, Any]) -> Path:
    """Where a cell leaves its values."""
    return Path(context["out"]) / f"shap-{cell.cell_id}.safetensors"


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    """How near the values are to the oracle's, and how nearly they add up to what they promise."""
    about = subject(cell, context)
    model = load(cell, about.architecture, about.weights, about.fill, BATCH)
    oracle = cell.framework == REFERENCE
    if oracle:
        chosen = choose(model.logits(about.images), about)
    else:
        chosen = weights.load(kept(reference(cell), context))
    images, outputs = about.images[chosen["places"]], chosen["outputs"]
    method = libraries.load("shap").method(cell.method)
    explainer = method.module.Masked(
        cell.method, method.resolve(dict(cell.options)), images.shape[1:]
    )
    before = model.evaluations
    values = np.stack([
        explainer.values(model.logits, image, named).sum(axis=2)
        for image, named in zip(images, outputs, strict=True)
    ])  # fmt: skip
    evaluations = (model.evaluations - before) / len(images)
    shown, hidden = (
        np.take_along_axis(model.logits(np.stack([see(image) for image in images])), outputs, 1)
        for see in (lambda image: explainer.shown(image) / explainer.levels, explainer.hidden)
    )
    promised = shown - hidden
    maps = np.moveaxis(values, 3, 1).reshape(-1, *images.shape[1:3])
    arrays = {**chosen, "values": values.astype(np.float64), "images": images}
    weights.save(kept(cell, context), arrays)
    same = {
        "n_images": len(images), "evaluations": evaluations, "weights_sha": about.weights_sha,
        "inputs_sha": about.inputs_sha, "verified": about.verified,
    }  # fmt: skip
    if not oracle:
        expected = np.moveaxis(chosen["values"], 3, 1).reshape(maps.shape)
        error = relative_error(maps, expected, expected)
        yield {
            **same, "against": "oracle", "compared": "values", "tolerance": TOLERANCE,
            "max_abs": float(np.abs(maps - expected).max()), "max_rel": float(error.max()),
            "median_rel": float(np.median(error)), "agree": bool((error <= TOLERANCE).all()),
        }  # fmt: skip
    gap = np.abs(values.sum(axis=(1, 2)) - promised) / np.abs(promised)
    correct = np.repeat(chosen["correct"] > 0, outputs.shape[1])
    subsets = {CORRECT: correct, "wrong": ~correct}
    for row in summarise({GAP: gap.ravel()}, subsets, maps):
        yield {**same, **row}


def choose(logits: NDArray[np.float64], about: Subject) -> dict[str, NDArray[Any]]:
    """The images explained: first the correct, then the wrong, and the highest outputs of each."""
    right = logits.argmax(axis=1) == about.labels
    places = np.concatenate([np.flatnonzero(mask)[:EACH] for mask in (right, ~right)])
    return {
        "places": places,
        "correct": right[places].astype(np.int64),
        "labels": about.labels[places],
        "outputs": np.argsort(-logits[places], axis=1, kind="stable")[:, :OUTPUTS],
    }


def run(job: Job) -> list[Row]:
    """The oracle's values, then every column's; all of them are brought into one file."""
    asked = list(cells(job.request, job.networks))
    if libraries.describe("shap").missing:
        raise BadInput(str(libraries.describe("shap").missing))
    first = list(dict.fromkeys(map(reference, asked)))
    rows = [*job.execute("shap", first), *job.execute("shap", asked)]
    gather(job.run, [*first, *asked], job.context, job.request)
    return rows


def file(run_id: str, results: Path) -> Path:
    """Where the values of a run lie."""
    return results / "shap" / f"{run_id}.safetensors"


def kept_files(results: Path) -> list[Path]:
    """The values of all runs that have any, oldest first."""
    return sorted((results / "shap").glob("*.safetensors"), key=lambda p: p.stem.split("-")[1])


def gather(run: Run, asked: Sequence[Cell], context: Mapping[str, Any], request: Request) -> None:
    """`<data set>/<architecture>/<explainer and masker>/<column>`, and what they are of beside."""
    arrays: dict[str, NDArray[Any]] = {}
    titles = {(offer, tuple(sorted(options.items()))): title for title, (offer, options)
              in ASKED.items()}  # fmt: skip
    for cell in asked:
        if kept(cell, context).exists():
            found = weights.load(kept(cell, context))
            head = f"{cell.dataset}/{cell.architecture}"
            title = titles[cell.method, cell.options]
            arrays[f"{head}/{title}/{cell.column.label}"] = found["values"].astype(np.float32)
            for name in ("images", "outputs", "labels"):
                arrays[f"{head}/{name}"] = found[name]
    for dataset in request.datasets:
        names = class_names(dataset, request.data_dir, request.allow_unverified)
        text = "\n".join(names).encode()
        arrays[f"{dataset}/class_names"] = np.frombuffer(text, np.uint8)
    target = file(run.run_id, request.results)
    target.parent.mkdir(parents=True, exist_ok=True)
    weights.save(target, arrays)
