"""Agreement: every column against the oracle, stage by stage.

The chain is logits, activations, gradients, channel weights, signed map, heatmap, upsampled map;
the first of them out of tolerance names the culprit. Errors, zero maps, kinks and tolerances are
as in the rules of measurement: float64 shows that the code is right, float32 shows rounding.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics, oracle, rounding
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
KINK = {"float32": 1e-6, "float64": 1e-14}
"""A gradient may go another way only where the oracle is nearer than this to a kink."""
EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}


def cells(
    ask: Ask, context: Mapping[str, Any], networks: Iterable[tuple[str, str]], thorough: bool
) -> Iterator[Cell]:
    """What is compared of these networks (data set, architecture).

    Eager at the first, middle and last layer with trained weights; Grad-CAM with random ones too on
    an architecture's first data set, its last layer compiled and with all scores. `thorough`
    compiles everything and takes random weights everywhere.
    """
    seen: set[str] = set()
    for dataset, name in networks:
        architecture = architecture_for(name, Path(context["images"][dataset]))
        given = ("trained",) if name in seen and not thorough else ("trained", "random")
        seen.add(name)
        for method_name, column, weights_name in product(ask.methods, ask.columns, given):
            if weights_name == "random" and method_name != "grad_cam" and not thorough:
                continue
            method = methods.load(method_name)
            spots = places(method, architecture)
            for layer, precision in product(spots, ask.precisions):
                last = layer == spots[-1] and weights_name == "trained"
                for mode, score in _toggles(method_name, precision, last, thorough):
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


def _toggles(method: str, precision: str, last: bool, thorough: bool) -> Iterator[tuple[str, str]]:
    main = method == "grad_cam"
    if precision == "float32" or main or thorough:
        yield "eager", "logit"
    if thorough or (main and last and precision == "float32"):
        yield "compiled", "logit"
    if main and last:
        yield "eager", "probability"
        yield "eager", "log_probability"


def tolerance(cell: Cell, logits: NDArray[Any]) -> float | None:
    """The gate on max_rel, or None where the error is published without one (TF32, bfloat16)."""
    if cell.precision not in EPSILON:
        return None
    if cell.precision == "float64":
        return 1e-12
    if cell.score != "logit":
        return 1e-5 + 4 * EPSILON[cell.precision] * float(np.abs(logits).max())
    return 2e-6 if cell.method == "grad_cam" else 1e-5


@dataclass(frozen=True)
class Gate:
    """What an error is held against: the tolerance, and what excuses an image above it.

    An image may be above it where rounding of a cancelling sum carries it (`bounds`, by stage), or
    where the oracle is within `near` of a kink, past which a gradient goes another way; `chance`
    is how many images in one may be so near: a unit in a million is within 1e-6 of its kink, twice
    that is allowed, and one image always may be.
    """

    tolerance: float | None
    bounds: Mapping[str, NDArray[np.float64]]
    near: float
    chance: float
    kinks: Callable[[NDArray[np.int64]], NDArray[np.float64]]


def gate_of(cell: Cell, about: Subject, expected: Arrays) -> Gate:
    """The gate of a cell. Scores through the softmax are excused no kink."""
    near = KINK.get(cell.precision, 0.0) if cell.score == "logit" else 0.0
    known = cell.precision in rounding.UNIT
    layer = methods.load(cell.method).layer(about.architecture, cell.layer or None)
    bounds = (
        rounding.bounds(expected, cell.precision, cell.score, about.architecture, layer)
        if known
        else {}
    )
    units = rounding.switches(about.architecture, layer) * oracle.gradient_points(cell)
    chance = min(2 * near * units, 1.0)
    gate = tolerance(cell, expected["logits"])
    return Gate(gate, bounds, near, chance, lambda chosen: oracle.kinks(cell, about, chosen))


def compare(name: str, found: Arrays, expected: Arrays, gate: Gate) -> Row:
    """One stage compared: the agreement columns of a row. What is not finite never agrees."""
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
        "tolerance": gate.tolerance,
    }
    if name in MAPS:
        rows |= _likeness(a[~zero], b[~zero])
    if gate.tolerance is not None:
        bound = gate.bounds.get(name, np.zeros(len(error)))[: len(error)]
        rows |= _judge(error, gate.tolerance, bound, gate)
    elif rows["nan_count"]:
        rows["agree"] = False
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


def _judge(
    error: NDArray[np.float64], tolerance: float, bound: NDArray[np.float64], gate: Gate
) -> Row:
    above = np.flatnonzero(~(error <= tolerance))  # NaN is above
    row: Row = {"share_within": 1 - len(above) / len(error), "kinks": [], "agree": True}
    if len(above):
        kinks = gate.kinks(above)
        rounded = error[above] <= bound[above]
        row["kinks"] = [
            [int(i), float(error[i]), float(kink), float(bound[i])]
            for i, kink in zip(above, kinks, strict=True)
        ]
        excused = np.isfinite(error[above]) & (rounded | (kinks <= gate.near))
        few = (~rounded).sum() <= max(gate.chance * len(error), 1)
        row["agree"] = bool(excused.all() and few)
    return row


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    """One row a stage of the chain."""
    load_framework(cell)
    about = subject(cell, context, oracle.images_compared(cell, context["n_images"]))
    expected = oracle.answer(cell, about, Path(context["oracle"]))
    found = explain(cell, about, expected["targets"])
    gate = gate_of(cell, about, expected)
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
