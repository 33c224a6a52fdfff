"""Contrast: our methods beside the libraries', on the same network, images and targets.

Each explainer's cell gives its cost and its localisation, and keeps its heatmaps; when all are
there, `likeness` compares them pair by pair. Explainers run eagerly in the libraries' framework,
one batch at a time, after one batch that is not counted.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.engine.worker import Row
from bench.record import described
from bench.record.cell import Cell
from bench.record.fingerprint import CONTROL
from bench.stages import Job
from bench.stages.controls import CONTROLS
from bench.subject.explainer import Explainer, build
from bench.subject.inputs import Subject, has_masks, subject
from bench.subject.networks import contrasted
from bench.subject.request import Request
from bench.truth import answers
from implementations import libraries, methods
from implementations.architecture import weights
from implementations.errors import Unavailable
from implementations.frameworks.evaluations import count_evaluations

MAIN = 4
EXAMPLES = ("contrast --dataset shapes",)
BATCH = 16
IMAGES = 64
"""Explained by every explainer, a quarter of those compared at the most."""
LIKENESS = ("spearman", "cosine", "topk_iou")


def cells(request: Request, dataset: str, architecture: str) -> Iterator[Cell]:
    """Every offer of every library beside our methods, in the column that the library explains.

    In Keras only those of ours that a library which is here is like: elsewhere the column makes no
    difference to a map.
    """
    described = [libraries.describe(name) for name in libraries.names()]
    columns = {column[:2] for column in request.columns}
    offered = [each for each in described if (each.framework, each.backend) in columns]
    for framework, backend in dict.fromkeys((each.framework, each.backend) for each in offered):
        same = Cell(
            stage="contrast", framework=framework, backend=backend, dataset=dataset,
            architecture=architecture, batch=BATCH, device=request.device, mode="eager",
            threads=request.threads,
        )  # fmt: skip
        here = [each for each in offered if (each.framework, each.backend) == (framework, backend)]
        usable = [library for library in here if library.python or not library.missing]
        liked = {offer.like for library in usable for offer in library.offers.values()}
        for method in request.methods:
            if (method in liked or not backend) and not methods.load(method).every_class:
                yield replace(same, method=method)
        for library in here:
            for offer in library.offers:
                yield replace(same, library=library.name, method=offer)


def label(cell: Cell) -> str:
    """How an explainer is called in a table: ours with its column where that is one of Keras'."""
    own = f"{cell.method} ({cell.column.label})" if cell.backend else cell.method
    return f"{cell.library}.{cell.method}" if cell.library else own


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    """Cost first, then one row a localisation metric. The heatmaps are kept for `likeness`."""
    about = subject(cell, context, context["n_contrast"])
    expected = answers.answer(replace(cell, library="", method="grad_cam"), about, _oracle(context))
    targets = expected["targets"]
    explainer = build(cell, about.architecture, about.weights)
    maps, seconds = _timed(explainer, about.images, targets)
    n = len(about.images)
    yield {
        "n_images": n,
        "median_ms": 1e3 * float(np.median(seconds)),
        "images_per_s": BATCH / float(np.median(seconds)),
        "evaluations": explainer.evaluations or _evaluations(explainer, about.images, targets),
        "weights_sha": about.weights_sha,
        "inputs_sha": about.inputs_sha,
        "verified": about.verified,
        "nan_count": int((~np.isfinite(maps)).sum()),
        "notes": libraries.load(cell.library).note() or None if cell.library else None,
    }
    yield from localisation(maps, about, targets)
    weights.save(map_path(cell, context), {"maps": maps})


def map_path(cell: Cell, context: Mapping[str, Any]) -> Path:
    """Where a cell's heatmaps are kept."""
    return Path(context["out"]) / f"contrast-{cell.cell_id}.safetensors"


def _oracle(context: Mapping[str, Any]) -> Path:
    return Path(context["oracle"])


def _timed(
    explainer: Explainer, images: NDArray[Any], targets: NDArray[Any]
) -> tuple[NDArray[np.float64], list[float]]:
    next(explainer.stages(images[:BATCH], targets[:BATCH], min(BATCH, len(images))))
    maps, seconds = [], []
    began = time.perf_counter()
    for part in explainer.stages(images, targets, min(BATCH, len(images))):
        seconds.append(time.perf_counter() - began)
        maps.append(part["upsampled"].astype(np.float64))
        began = time.perf_counter()
    return np.concatenate(maps), seconds


def _evaluations(explainer: Explainer, images: NDArray[Any], targets: NDArray[Any]) -> float:
    """Images through the model for each image explained; the last batch is a padded one."""
    batch = min(BATCH, len(images))
    with count_evaluations(explainer.network) as counted:
        batches = len(list(explainer.stages(images, targets, batch)))
    return counted.images / (batches * batch)


def localisation(
    maps: NDArray[np.float64], about: Subject, targets: NDArray[np.int32]
) -> Iterator[Row]:
    """Every localisation metric against the true masks, where the data set has them.

    Images classified correctly and wrongly are reported apart as well.
    """
    if about.masks is None:
        return
    correct = targets == about.labels
    subsets = {"all": correct | True, "correct": correct, "wrong": ~correct}
    for name in metrics.names("mask"):
        metric = metrics.load(name)
        for subset, chosen in subsets.items():
            if chosen.any():
                values = metric.measure(metrics.Case(maps[chosen], masks=about.masks[chosen]))
                yield from _quality(name, metric.card.unit, values, {"subset": subset})


def _quality(name: str, unit: str, values: NDArray[Any], more: Row) -> Iterator[Row]:
    """Mean over the images where the metric is defined (a constant map has no order)."""
    defined = values[np.isfinite(values)]
    if len(defined):
        value = float(defined.mean())
        yield {"metric": name, "value": value, "unit": unit, "n": len(defined), **more}


def likeness(rows: Iterable[Cell], context: Mapping[str, Any]) -> Iterator[tuple[Cell, list[Row]]]:
    """Every pair of explainers of one network, both ways round, and the controls' localisation."""
    maps = {cell: weights.load(map_path(cell, context))["maps"] for cell in rows}
    if not maps:
        return
    found: dict[Cell, list[Row]] = {cell: [] for cell in maps}
    for (one, a), (other, b) in combinations(maps.items(), 2):
        for name in LIKENESS:
            metric = metrics.load(name)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                values = np.asarray(metric.measure(metrics.Case(a, other=b)), float)
            for cell, against in ((one, other), (other, one)):
                found[cell] += _quality(name, metric.card.unit, values, {"against": label(against)})
    for cell, measured in found.items():
        yield replace(cell, task="likeness"), [{"status": "ok", **row} for row in measured]
    first = next(iter(maps))
    about = subject(first, context, context["n_contrast"])
    expected = answers.answer(
        replace(first, library="", method="grad_cam"), about, _oracle(context)
    )
    for name, control in CONTROLS.items():
        measured = list(localisation(control(about.images), about, expected["targets"]))
        if not measured:
            continue
        named = {"status": "ok", "library": CONTROL, "method": name}
        cell = replace(first, library="", method="", task="control", options=(("control", name),))
        yield cell, [{**named, **row} for row in measured]


def run(job: Job) -> list[Row]:
    """Our methods beside the libraries', one process at a time: cost is measured too."""
    context = {**job.context, "n_contrast": min(IMAGES, job.request.n_images // 4)}
    masked = {name for name, path in job.context["images"].items() if has_masks(Path(path))}
    chosen = contrasted(job.networks, masked)
    asked = [
        cell
        for dataset, architecture in chosen
        for cell in cells(job.request, dataset, architecture)
    ]
    if not asked and job.request.command == "contrast":
        job.run.discard()
        columns = ", ".join(column.label for column in job.request.columns)
        raise Unavailable(f"no library serves {columns}; see `python -m bench list`")
    rows = job.execute("contrast", asked, context=context, at_once=1)
    for pair in chosen:
        network = [cell for cell in asked if (cell.dataset, cell.architecture) == pair]
        kept = [cell for cell in network if map_path(cell, context).exists()]
        for cell, measured in likeness(kept, context):
            if not job.run.has(cell):
                job.run.add(cell, 0, measured, described.of(cell, context))
    return rows
