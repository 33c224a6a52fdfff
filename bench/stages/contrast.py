"""Our methods beside the libraries', on the same network, images and targets.

Each explainer's cell keeps its heatmaps, for the stage `judge` to score, and takes the metrics that
explain again. Of its cost it has what is the same on any machine; milliseconds are those of `time`.
Explainers run eagerly in the libraries' framework. Each that reads a network has another cell with
the network as it was before training, its control; the other controls are a library.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.engine.worker import Row
from bench.record.cell import Cell
from bench.stages import Job, cascades, gallery, seeded
from bench.stages.summary import correctness, curves, summarise
from bench.subject.budgets import spread
from bench.subject.complete import promised
from bench.subject.draws import Draws
from bench.subject.explainer import Explainer, build
from bench.subject.inputs import INITIAL, Subject, has_masks, subject
from bench.subject.networks import contrasted
from bench.subject.redrawn import Redrawn
from bench.subject.request import Request
from bench.truth import answers
from implementations import frameworks, libraries, methods
from implementations.architecture import weights
from implementations.architecture.graph import Architecture
from implementations.arrays import Weights
from implementations.errors import Unavailable
from implementations.frameworks.evaluations import count_evaluations

MAIN = 4
EXAMPLES = ("contrast --dataset shapes",)
BATCH = 16
TRAINED = "trained"
IMAGES, AGAIN = 64, 32
"""Explained in the main job, at the most; again by a costly explainer."""
COSTLY = 100
"""Evaluations an image above which few images are explained again (`context["n_again"]`)."""
MANY = {"weights", "classes"}
"""Needs of metrics that explain many times over: on `context["n_anew"]` images, if costly fewer."""


def cells(
    request: Request, dataset: str, architecture: str, graph: Architecture | None = None
) -> Iterator[Cell]:
    """The libraries' offers like our methods beside these, in the column that a library explains.

    Those that sample at each budget, where the network's `graph` says what that comes to.

    In Keras only those of ours that a library which is here is like: elsewhere the column makes no
    difference to a map. Each twice: with weights that are trained, and with initial ones, but for
    the libraries in the main job.
    """
    described = [libraries.describe(name) for name in libraries.names()]
    columns = {column[:2] for column in request.columns}
    controls = [each for each in described if each.framework == frameworks.REFERENCE]
    offered = [each for each in described if (each.framework, each.backend) in columns]
    for framework, backend in dict.fromkeys((each.framework, each.backend) for each in offered):
        same = Cell(
            stage="contrast", framework=framework, backend=backend, dataset=dataset,
            architecture=architecture, batch=BATCH, device=request.device, mode="eager",
            threads=request.threads,
        )  # fmt: skip
        here = [each for each in offered if (each.framework, each.backend) == (framework, backend)]
        usable = [library for library in here if library.python or not library.missing]
        liked = {
            library.offers[o].like for library in usable for o in library.like(request.methods)
        }
        explainers = [
            replace(same, method=each, score=methods.load(method).card.score)
            for method in request.methods
            if (method in liked or not backend) and not methods.load(method).every_class
            for each in (spread(method, request.budgets, graph) if graph else [method])
        ]
        for library in here:
            for offer in library.like(request.methods):
                named = spread(offer, request.budgets, graph, library) if graph else [offer]
                explainers += [replace(same, library=library.name, method=each) for each in named]
        for cell in explainers:
            yield cell
            if not (cell.library and request.command == "compare"):
                yield replace(cell, weights=INITIAL)
    for library in controls if offered else ():
        for offer in library.offers:
            yield Cell(
                stage="contrast", framework=library.framework, dataset=dataset, method=offer,
                library=library.name, architecture=architecture, batch=BATCH, precision="float64",
            )  # fmt: skip


def label(cell: Cell) -> str:
    """How an explainer is called in a table: ours with its column where that is one of Keras'."""
    own = f"{cell.method} ({cell.column.label})" if cell.backend else cell.method
    return f"{cell.library}.{cell.method}" if cell.library else own


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    """What the explainer is and costs, then a row for each metric that explains again."""
    about = subject(cell, context, context["n_contrast"])
    targets = explained(cell, context)
    explainer = build(cell, about.architecture, about.weights, background=about.background)
    maps = _explain(explainer, about.images, targets)
    evaluations = explainer.evaluations or _evaluations(cell, explainer, about.images, targets)
    yield {
        "explainer": label(cell),
        "maps_sha": keep(maps, Path(context["maps"])),
        "n_images": len(about.images),
        "evaluations": evaluations,
        "weights_sha": about.weights_sha,
        "inputs_sha": about.inputs_sha,
        "verified": about.verified,
        "nan_count": int((~np.isfinite(maps)).sum()),
        "notes": libraries.load(cell.library).note() or None if cell.library else None,
    }
    costly = evaluations > COSTLY
    few = context["n_again"] if costly else len(maps)
    if few and cell.weights == TRAINED:
        yield from _again(cell, explainer, maps[:few], about, targets[:few], context, often=False)
    fewer = context["n_anew"] // 4 if costly else context["n_anew"]
    if fewer and cell.weights == TRAINED:
        yield from _again(
            cell, explainer, maps[:fewer], about, targets[:fewer], context, often=True
        )


def explained(cell: Cell, context: Mapping[str, Any]) -> NDArray[np.int32]:
    """The classes explained (N,): what the network, as it was trained, makes of the images."""
    of = TRAINED if cell.weights == INITIAL else cell.weights
    trained = replace(cell, library="", method="grad_cam", weights=of, options=(), score="logit",
                      explainer="")  # fmt: skip
    about = subject(trained, context, context["n_contrast"])
    targets: NDArray[np.int32] = answers.answer(trained, about, Path(context["oracle"]))["targets"]
    return targets


def keep(maps: NDArray[Any], folder: Path) -> str:
    """Keep heatmaps under their digest, which is returned."""
    arrays = {"maps": maps}
    digest = weights.digest(arrays)
    path = map_path(folder, digest)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        weights.save(path, arrays)
    return digest


def map_path(folder: Path, digest: str) -> Path:
    """Where the heatmaps of a digest are kept."""
    return folder / f"{digest}.safetensors"


def _explain(
    explainer: Explainer, images: NDArray[Any], targets: NDArray[Any]
) -> NDArray[np.float64]:
    parts = explainer.stages(images, targets, min(BATCH, len(images)))
    return np.concatenate([part["upsampled"].astype(np.float64) for part in parts])


def _evaluations(
    cell: Cell, explainer: Explainer, images: NDArray[Any], targets: NDArray[Any]
) -> float:
    """Images through the model for each image explained, in a batch; a control evaluates none."""
    if cell.framework == frameworks.REFERENCE:
        return 0
    batch = min(BATCH, len(images))
    with count_evaluations(explainer.network) as counted:
        _explain(explainer, images[:batch], targets[:batch])
    return counted.images / batch


def _again(
    cell: Cell,
    explainer: Explainer,
    maps: NDArray[np.float64],
    about: Subject,
    targets: NDArray[np.int32],
    context: Mapping[str, Any],
    often: bool,
) -> Iterator[Row]:
    """The metrics that explain again, many times over or not, on as many images as maps."""
    images = about.images[: len(maps)]

    def redrawn(tensors: Weights) -> NDArray[np.float64]:
        return _explain(build(cell, about.architecture, tensors), images, targets)

    anew = Redrawn(about.architecture, about.weights, about.kernels, redrawn)
    case = metrics.Case(
        maps, images=images, targets=targets, labels=about.labels[: len(maps)],
        explain=lambda images, targets: _explain(explainer, images, targets),
        draws=Draws(np.arange(len(maps))), classes=about.architecture.classes,
        redrawn=anew,
        sums=(not often and promised(cell, explainer, images, targets, BATCH)) or metrics.ABSENT,
    )  # fmt: skip
    values = {}
    for name in metrics.names():
        needs = set(metrics.load(name).card.needs)
        asked = needs & metrics.AGAIN and bool(needs & MANY) == often
        if asked and ("sums" not in needs or case.sums):
            values[name] = case.value(name)
    cascades.leave(cell, case, anew, context)
    subsets = correctness(targets, case.labels)
    for row in [*summarise(values, subsets, maps), *curves(case.curves, subsets, maps)]:
        yield {**row, "explainer": label(cell)}


def run(job: Job) -> list[Row]:
    """Explain every network; in the main job nothing costly is explained again, nothing often.

    The first of them as other seeds train it too, where several trainings are asked for.
    """
    main = job.request.command == "compare"
    few = 0 if main else AGAIN
    asked = [
        cell
        for dataset, architecture in networks(job)
        for cell in cells(
            job.request, dataset, architecture, job.architecture(dataset, architecture)
        )
    ]
    if not asked and job.request.command == "contrast":
        columns = ", ".join(column.label for column in job.request.columns)
        raise Unavailable(f"no library serves {columns}; see `python -m bench list`")
    if job.request.seeds > 1 and not main:
        asked += seeded.further(job, asked)
    rows = job.execute("contrast", asked, context={**told(job), "n_again": few, "n_anew": few})
    cascades.gather(asked, told(job), gallery.file(job.run.run_id, job.request.results))
    return rows


def networks(job: Job) -> list[tuple[str, str]]:
    """The networks that are contrasted, each on one data set."""
    masked = {name for name, path in job.context["images"].items() if has_masks(Path(path))}
    return contrasted(job.networks, masked)


def told(job: Job) -> dict[str, Any]:
    """What children that explain or judge are told: of how many images, and where maps are kept."""
    n, alone = job.request.n_images, job.request.command in ("contrast", "judge")
    n = n if alone else max(min(IMAGES, n // 4), 1)
    return {**job.context, "n_contrast": n, "maps": str(job.request.results / "work" / "maps")}
