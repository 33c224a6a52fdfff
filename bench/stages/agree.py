"""Agreement: every column against the float64 oracle, stage by stage.

The chain is logits, activations, gradients, channel weights, signed map, heatmap, upsampled map;
the first of them out of tolerance names the culprit. What an error is held against is in
`bench/truth/tolerance.py`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.engine.worker import Row
from bench.record.cell import Cell
from bench.stages import Job, gallery
from bench.subject.explainer import Arrays, Explainer, build, load_framework, method_of
from bench.subject.heatmaps import zero_maps
from bench.subject.inputs import architecture_for, subject
from bench.subject.request import Request
from bench.truth import answers
from bench.truth.scale import MAPS
from bench.truth.tolerance import compare, gate_of
from implementations import methods
from implementations.architecture import registered, weights
from implementations.architecture.graph import Architecture, resolve_layer
from implementations.errors import Unavailable

MAIN = 2
EXAMPLES = ("agree", "agree --dataset fashion_mnist --frameworks jax pytorch")
CHUNK = 64
FEW_CLASSES = 100
"""Up to how many classes the maps of every class are compared; the oracle takes them one by one.

Of more than these in a sweep alone, at the last layer.
"""
BARE = True
"""Its processes need a framework and nothing else (`bench/engine/worker.py`)."""


def cells(
    request: Request,
    context: Mapping[str, Any],
    networks: Iterable[tuple[str, str]],
    thorough: bool,
    brief: bool = False,
) -> Iterator[Cell]:
    """What is compared of these networks (data set, architecture).

    Eager at the first, middle and last layer with trained weights: Grad-CAM everywhere, the others
    on an architecture's first data set. There Grad-CAM has random weights too, and its last layer
    is compiled and has all scores. `brief` leaves out random weights, and all layers but the last
    of the other methods. `thorough` takes every method and random weights everywhere and compiles:
    Grad-CAM always, the others in float32, with trained weights, on networks of any input's size.
    """
    seen: set[str] = set()
    for dataset, name in networks:
        architecture = architecture_for(name, Path(context["images"][dataset]))
        again = name in seen and not thorough
        given = ("trained",) if brief or again else ("trained", "random")
        seen.add(name)
        for method_name, column, weights_name in product(request.methods, request.columns, given):
            main = method_name == "grad_cam"
            if not main and not thorough and (again or weights_name == "random"):
                continue
            method = methods.load(method_name)
            many = method.every_class and architecture.classes > FEW_CLASSES
            if many and not thorough:
                continue
            spots = places(method, architecture)[-1 if many or (brief and not main) else 0 :]
            for layer, precision in product(spots, request.precisions):
                last = layer == spots[-1] and weights_name == "trained" and not again
                for mode, score in _toggles(method, precision, last, thorough):
                    once = weights_name == "trained" and not registered.fixed(name)
                    if mode == "compiled" and not main and not once:
                        continue
                    yield Cell(
                        stage="agree", framework=column.framework, backend=column.backend,
                        method=method_name, dataset=dataset, architecture=name,
                        weights=weights_name, layer=layer, score=score, device=request.device,
                        mode=mode, precision=precision, threads=request.threads,
                    )  # fmt: skip


def places(method: methods.NamedMethod, architecture: Architecture) -> list[str]:
    """The layers a method is compared at: first, middle and its own, or its one place.

    Its own is the last convolution's, which in a residual network is that of the sum it goes into.
    """
    convolutions = [n.name for n in architecture.nodes if n.kind == "conv"]
    if method.at == "input" and method.card.reads != "layer":
        return [""]
    if not convolutions:
        return []
    try:
        last = method.layer(architecture, None)
    except Unavailable:
        return []
    spots = [convolutions[0], convolutions[len(convolutions) // 2]]
    before = [resolve_layer(architecture, spot) for spot in dict.fromkeys(spots)]
    found = dict.fromkeys([*before, last])
    return [spot for spot in found if method.card.applies(architecture, spot) is None] or [last]


def _toggles(
    method: methods.NamedMethod, precision: str, last: bool, thorough: bool
) -> Iterator[tuple[str, str]]:
    main, score = method.name == "grad_cam", method.card.score
    if precision == "float32" or main or thorough:
        yield "eager", score
    if (main and last and precision == "float32") or (
        thorough and (main or precision == "float32")
    ):
        yield "compiled", score
    if main and last:
        yield "eager", "probability"
        yield "eager", "log_probability"


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    """One row a stage of the chain."""
    load_framework(cell)
    about = subject(cell, context, answers.images_compared(cell, context["n_images"]))
    folder = Path(context["oracle"])
    expected = answers.answer(cell, about, folder)
    compared = method_of(cell).card.intermediates
    explainer = build(cell, about.architecture, about.weights, compared, about.background)
    found = explain(explainer, about.images, expected["targets"])
    gate = gate_of(cell, about, expected, folder, chunk_of(explainer, len(about.images)))
    for name in ("logits", *compared, "upsampled"):
        if name not in found or name not in expected:
            continue
        yield {
            **compare(name, found, expected, gate),
            **(alike(found[name], expected[name]) if name in MAPS else {}),
            "weights_sha": about.weights_sha,
            "inputs_sha": about.inputs_sha,
            "verified": about.verified,
        }
    keep = context.get("gallery", {}).get(cell.cell_id)
    if keep:
        maps = found["upsampled"][gallery.pictured(cell, context)]
        weights.save(Path(keep), {"found": maps.astype(np.float32)})


def alike(found: NDArray[Any], expected: NDArray[Any]) -> Row:
    """How alike maps (N, h, w[, K]) are by other measures, which are no gate, zero maps left out.

    Maps of every class are taken side by side, as one map each image.
    """
    some = ~zero_maps(expected)
    if not some.any():
        return {}
    a, b = (maps[some].reshape(some.sum(), maps.shape[1], -1) for maps in (found, expected))
    case = metrics.Case(a, other=b)
    with warnings.catch_warnings():
        # A constant map has no correlation: the metric says NaN, and it is left out below.
        warnings.simplefilter("ignore", RuntimeWarning)
        pearson, spearman, iou = (case.value(name) for name in ("pearson", "spearman", "topk_iou"))
    rows: Row = {}
    for name, values in (("pearson", pearson), ("spearman", spearman)):
        defined = values[np.isfinite(values)]
        if len(defined):
            rows[f"{name}_median"] = float(np.median(defined))
            rows[f"{name}_min"] = float(defined.min())
    return {**rows, "topk_iou": float(np.median(iou))}


def chunk_of(explainer: Explainer, n: int) -> int:
    """How many of n images are explained at a time."""
    return min(CHUNK if explainer.evaluations <= 2 else 8, n)


def explain(
    explainer: Explainer, images: NDArray[np.float32], targets: NDArray[np.int32]
) -> Arrays:
    """All stages of all images in one column, `logits` among them, as float64."""
    parts, chunk = [], chunk_of(explainer, len(images))
    for number, part in enumerate(explainer.stages(images, targets, chunk)):
        mine = images[number * chunk : (number + 1) * chunk]
        parts.append({**part, "logits": explainer.logits(mine)})
    return {
        name: np.concatenate([part[name] for part in parts]).astype(np.float64) for name in parts[0]
    }


def run(job: Job) -> list[Row]:
    """Every column against the oracle, whose answers come first; maps are kept for the gallery.

    In the main job briefly.
    """
    main = job.request.command == "compare"
    pairs = [(dataset, architecture) for dataset, architecture, _ in job.networks]
    thorough = job.request.command == "sweep"
    asked = list(cells(job.request, job.context, pairs, thorough, brief=main))
    job.answer(asked)
    shown = gallery.paths(asked, job.context)
    chosen = gallery.choose((cell for cell in asked if cell.cell_id in shown), job.context)
    context = {**job.context, "gallery": shown, "pictured": chosen}
    rows = job.execute("agree", asked, context=context)
    gallery.gather(asked, context, gallery.file(job.run.run_id, job.request.results))
    return rows
