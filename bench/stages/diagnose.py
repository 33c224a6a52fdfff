"""Somebody's heatmaps of a network, diagnosed: verdicts as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.truth import answers
from bench.truth.diagnosis import FEWEST, Diagnosis, Found, diagnose
from bench.truth.question import Question
from bench.truth.residual import pattern
from implementations.architecture.graph import Architecture
from implementations.arrays import Floats, Weights
from implementations.conventions import Convention


def examine(
    architecture: Architecture,
    tensors: Weights,
    images: Floats,
    targets: NDArray[np.int32] | None,
    maps: Mapping[str, Floats],
    layer: str,
    formula: str,
    seconds: float,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """A verdict for each of these maps (N, H, W), of images (N, H, W, C) in [0, 1].

    Targets (N,) are the classes predicted where none are given. `tell` hears how far it is.
    """
    network = answers.network(architecture, tensors)
    aims = network(images).argmax(axis=1) if targets is None else targets
    verdicts = {}
    for name, each in maps.items():
        question = Question(network, images, aims, each, layer, formula)
        verdicts[name] = verdict(diagnose(question, seconds, _named(tell, name)), question)
    return verdicts


def _named(tell: Callable[[str], None], name: str) -> Callable[[str], None]:
    return lambda text: tell(f"{name}: {text}")


def verdict(found: Diagnosis, question: Question) -> dict[str, Any]:
    """A diagnosis as JSON: what was found, or the nearest convention and the residual's pattern."""
    best = found.found[0] if found.found else found.nearest
    return {
        "found": [_told(each, question) for each in found.found],
        "nearest": None if found.found or best is None else _told(best, question),
        "residual": "" if found.found or best is None else pattern(question, best.convention),
        "tried": found.tried, "seconds": round(found.seconds, 1), "cost_tried": found.levels,
        "images": len(question.maps), "telling": int(question.telling.sum()),
        "enough": bool(question.telling.sum() >= min(FEWEST, len(question.maps))),
    }  # fmt: skip


def _told(each: Found, question: Question) -> dict[str, Any]:
    canonical = Convention(formula=question.formula)
    if question.at_input:
        canonical = Convention(formula=question.formula, rectify="none")
    away = each.convention.differs(canonical)
    return {
        "convention": asdict(each.convention),
        "cost": each.cost,
        "differs": {name: getattr(each.convention, name) for name in away},
        "first": away[0] if away else "",
        "layer": question.place(each.convention.layer),
        "error": float(each.errors.max()),
        "errors": _finite(each.errors),
        "epsilon": each.epsilon,
    }


def _finite(errors: Floats) -> list[float | None]:
    return [float(error) if np.isfinite(error) else None for error in errors]
