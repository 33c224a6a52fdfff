"""Agreement: every column against the oracle, stage by stage.

The chain is logits, activations, gradients, channel weights, signed map, heatmap, upsampled map;
the first of them out of tolerance names the culprit. Errors, zero maps, kinks and tolerances are
as in the rules of measurement: float64 shows that the code is right, float32 shows rounding.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics, oracle
from bench.cells import Cell
from bench.explaining import CHAIN, Arrays, build, load_framework
from bench.heatmaps import relative_error, zero_maps
from bench.inputs import Subject, architecture_for, subject
from bench.stages import Ask
from bench.worker import Reporter, Row
from bench.worker import serve as serve_cells
from implementations import methods, weights
from implementations.contract import Unavailable
from implementations.graph import Architecture, resolve_layer

CHUNK = 64
GALLERY = 6
"""Images whose maps are kept for the pictures."""
COMPARED = ("logits", *CHAIN, "upsampled")
MAPS = ("signed", "heatmap", "upsampled")
KINK = 1e-6
"""A gradient may go another way only where the oracle is nearer than this to a kink."""
SHARE = 0.99
"""Share of images that must be within the tolerance in float32."""
EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}


def cells(ask: Ask, context: Mapping[str, Any], thorough: bool) -> Iterator[Cell]:
    """What is compared: eager at the first, middle and last layer, compiled at the last.

    `thorough` compiles at every layer and for every method; else only Grad-CAM's last layer is,
    the timed cells being checked once more where they are timed.
    """
    for dataset, name in product(ask.datasets, ask.architectures):
        architecture = architecture_for(name, Path(context["images"][dataset]))
        for method_name, column in product(ask.methods, ask.columns):
            method = methods.load(method_name)
            spots = places(method, architecture)
            for weights_name, layer in product(("random", "trained"), spots):
                if f"{dataset}/{name}/{weights_name}" not in {
                    *context["weights"],
                    f"{dataset}/{name}/random",
                }:
                    continue
                for mode, precision, score in _toggles(
                    ask, method_name, layer == spots[-1], thorough
                ):
                    yield Cell(
                        stage="agree", framework=column.framework, backend=column.backend,
                        method=method_name, dataset=dataset, architecture=name,
                        weights=weights_name, layer=layer, score=score, device=ask.device,
                        mode=mode, precision=precision, threads=ask.threads,
                    )  # fmt: skip


def places(method: methods.Method, architecture: Architecture) -> list[str]:
    """The layers a method is compared at: first, middle and last convolution, or its one place."""
    convolutions = [n.name for n in architecture.nodes if n.kind == "conv"]
    if method.at == "input":
        return [""]
    if not convolutions:
        return []
    try:
        last = method.layer(architecture, None)
    except Unavailable:
        return []
    spots = [convolutions[0], convolutions[len(convolutions) // 2], convolutions[-1]]
    found = [resolve_layer(architecture, spot) for spot in dict.fromkeys(spots)]
    applies = getattr(method.module, "applies", None)
    return [spot for spot in found if not applies or applies(architecture, spot) is None] or [last]


def _toggles(ask: Ask, method: str, last: bool, thorough: bool) -> Iterator[tuple[str, str, str]]:
    main = method == "grad_cam"
    for precision in ask.precisions:
        if precision == "float64" and not (main or thorough):
            continue
        yield "eager", precision, "logit"
        if thorough or (main and last):
            yield "compiled", precision, "logit"
        if main and last:
            yield "eager", precision, "probability"
            yield "eager", precision, "log_probability"


def tolerance(cell: Cell, logits: NDArray[Any]) -> float | None:
    """The gate on max_rel, or None where the error is published without one (TF32, bfloat16)."""
    if cell.precision not in EPSILON:
        return None
    if cell.precision == "float64":
        return 1e-12
    if cell.score != "logit":
        return 1e-5 + 4 * EPSILON[cell.precision] * float(np.abs(logits).max())
    return 2e-6 if cell.method == "grad_cam" else 1e-5


def compare(name: str, found: Arrays, expected: Arrays, gate: float | None) -> Row:
    """One stage compared: the agreement columns of a row."""
    a, b = found[name], expected[name]
    scale = expected.get("signed", expected["heatmap"]) if name in MAPS else b
    error = relative_error(a, b, scale)
    zero = zero_maps(b) if name in MAPS else np.zeros(len(a), bool)
    rows: Row = {
        "compared": name,
        "against": "reference",
        "n_images": len(a),
        "max_abs": float(np.abs(a - b).max()),
        "max_rel": float(error.max()),
        "median_rel": float(np.median(error)),
        "rmse": float(np.sqrt(np.mean((a - b) ** 2))),
        "zero_map_share": float(zero.mean()),
        "nan_count": int((~np.isfinite(a)).sum()),
        "tolerance": gate,
    }
    if name in MAPS:
        rows |= _likeness(a[~zero], b[~zero])
    if gate is not None:
        rows |= _gate(error, expected["kinks"], gate)
    return rows


def _likeness(a: NDArray[Any], b: NDArray[Any]) -> Row:
    if not len(a):
        return {}
    with warnings.catch_warnings():
        # A constant map has no correlation: the metric says NaN, and it is left out below.
        warnings.simplefilter("ignore", RuntimeWarning)
        pearson, spearman, iou = (
            metrics.load(name).measure(a, b) for name in ("pearson", "spearman", "topk_iou")
        )
    rows: Row = {}
    for name, values in (("pearson", pearson), ("spearman", spearman)):
        defined = values[np.isfinite(values)]
        if len(defined):
            rows[f"{name}_median"] = float(np.median(defined))
            rows[f"{name}_min"] = float(defined.min())
    return {**rows, "topk_iou": float(np.median(iou))}


def _gate(error: NDArray[Any], kinks: NDArray[Any], gate: float) -> Row:
    within = error <= gate  # NaN is not within
    above = np.flatnonzero(~within)
    share = float(within.mean())
    excused = bool((kinks[above] <= KINK).all())
    return {
        "share_within": share,
        "kinks": [[int(i), float(error[i]), float(kinks[i])] for i in above],
        "agree": bool(share == 1 or (share >= SHARE and excused)),
    }


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    """One row a stage of the chain."""
    load_framework(cell)
    about = subject(cell, context, oracle.images_compared(cell, context["n_images"]))
    expected = oracle.answer(cell, about, Path(context["oracle"]))
    found = explain(cell, about, expected["targets"])
    gate = tolerance(cell, expected["logits"])
    shared = [name for name in COMPARED if name in found and name in expected]
    for name in shared:
        yield {
            **compare(name, found, expected, gate),
            "weights_sha": about.weights_sha,
            "inputs_sha": about.inputs_sha,
            "verified": about.verified,
        }
    keep = context.get("gallery", {}).get(cell.cell_id)
    if keep:
        weights.save(Path(keep), {"found": found["upsampled"][:GALLERY]})


def explain(cell: Cell, about: Subject, targets: NDArray[np.int32]) -> Arrays:
    """All stages of all images in one column, `logits` among them, as float64."""
    explainer = build(cell, about.architecture, about.weights, CHAIN)
    chunk = min(CHUNK if explainer.evaluations <= 2 else 8, len(about.images))
    parts = []
    for number, part in enumerate(explainer.stages(about.images, targets, chunk)):
        images = about.images[number * chunk : (number + 1) * chunk]
        parts.append({**part, "logits": explainer.logits(images)})
    return {
        name: np.concatenate([part[name] for part in parts]).astype(np.float64) for name in parts[0]
    }


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    """The child's entry."""
    serve_cells(measure, cells, context, report)
