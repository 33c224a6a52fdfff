"""Somebody's heatmaps of a network, diagnosed: verdicts as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.truth import answers
from bench.truth.diagnosis import Diagnosis, Found, diagnose, reproduced
from bench.truth.fitting import fit
from bench.truth.question import Question
from bench.truth.residual import likeness, pattern
from implementations.architecture.graph import Architecture
from implementations.arrays import Floats, Weights
from implementations.conventions import Convention


def examine(
    architecture: Architecture,
    tensors: Weights,
    images: Floats,
    targets: NDArray[np.int32] | None,
    maps: Mapping[str, tuple[Floats, Sequence[float]]],
    layer: str,
    formula: str,
    seconds: float,
    tell: Callable[[str], None],
) -> tuple[dict[str, Any], dict[str, Floats]]:
    """A verdict for each of these maps, of images (N, H, W, C) in [0, 1], and its maps.

    Each is given in all its readings (R, N, H, W), of which the first that is explained counts, and
    with how far its values may be off, of the range. Targets (N,) are the classes
    predicted where none are given. `tell` hears how far it is. The maps (N, H, W) given back are
    those of the convention that was found, or of the nearest, fitted.
    """
    network = answers.network(architecture, tensors)
    aims = network(images).argmax(axis=1) if targets is None else targets
    verdicts, made = {}, {}
    first, _ = next(iter(maps.values()))
    asked = Question(network, images, aims, first[0], layer, formula)
    for name, (readings, coarse) in maps.items():
        tried = []
        for each, off in zip(readings, coarse, strict=True):
            question = asked.of(each, off)
            heard = _named(tell, name)
            found = diagnose(question, seconds / len(readings), heard, excusing=True)
            tried.append((found, question))
            if found.found:
                break
        reading = len(tried) - 1 if tried[-1][0].found else 0
        found, question = tried[reading]
        verdicts[name] = {**verdict(found, question), "reading": reading}
        best = found.found[0] if found.found else found.nearest
        if best is not None:
            made[name] = reproduced(question, best)
    return verdicts, made


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
        "fits": bool(best is not None and (best.errors <= question.share).all()),
        "images": len(question.maps), "telling": int(question.telling.sum()),
        "enough": question.enough,
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
        "excused": list(each.excused),
        "epsilon": each.epsilon,
    }


def _finite(errors: Floats) -> list[float | None]:
    return [float(error) if np.isfinite(error) else None for error in errors]


def between(one: Floats, other: Floats) -> dict[str, Any] | None:
    """How one array follows from another of its size: the worst error of the best a x + b.

    With it the spread of a and of b over images, each of the range; None for other sizes.
    """
    if one.shape != other.shape:
        return None
    fitted, slopes = fit(other, one)
    span = np.maximum(np.ptp(other, axis=(1, 2)), np.finfo(float).tiny)
    shift = (other - slopes[:, None, None] * one).mean(axis=(1, 2))
    error = np.abs(other - fitted).max(axis=(1, 2)) / span
    apart = np.abs(other - one).max(axis=(1, 2)) / span
    return {
        "error": float(error.max()), "apart": float(apart.max()), "slopes": slopes.tolist(),
        "shifts": shift.tolist(), "likeness": likeness(one, other),
    }  # fmt: skip
