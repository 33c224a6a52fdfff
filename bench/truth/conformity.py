"""The verdict on somebody's heatmaps of a probe: the method's own, or what else they are.

Maps are held against the oracle's heatmap, then against a claim (the convention that the explainer
states, or that explained it elsewhere) and what differs from it in one factor, then against every
convention that a diagnosis knows, then against the other methods of the kind. Errors are of the
signed map's peak, before a map is scaled. An image is excused where the oracle says that rounding
decides it, as a unit whose input is 0 in exact numbers on the path of integrated gradients.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bench.truth.claims import (
    TOLERANCES,
    Asked,
    first,
    nearby,
    predicted,
    searched,
    told,
)
from implementations.architecture.graph import layers
from implementations.arrays import Floats
from implementations.conventions import Convention, resized
from implementations.errors import BadInput, Unavailable
from implementations.formulas import FORMULAS

SAME, UP_TO, DIFFERS, OTHER = "same", "same up to", "differs", "other formula"
CAUSES = ("pairing", "rule", "gradient", "pool", "rectify", "target", "input", "normalise")
"""The factors that are tried one at a time where an explainer differs from its base."""
MOST_EXCUSED = 1
"""How many different images may be excused for a kink."""
EMPTY = "the rounding of a map of zeros, scaled up"
SINGLE = "computed in float32"
NEARLY = "within the tolerance of float32 alone"
ZEROS = "zeros"
FAINT = float(np.finfo(np.float32).tiny / np.finfo(np.float32).eps)
"""Below it terms of a sum have lost digits, or are 0 where subnormal numbers are, as in XLA."""


@dataclass(frozen=True)
class Verdict:
    """A verdict in one of the words above, and what it rests on.

    `conventions` are in words, `first` is the stage that differs first, `size` the error against
    what was expected: the claim's maps, or the method's. `claim` explains the maps where any does.
    """

    word: str
    conventions: str = ""
    first: str = ""
    size: float = 0.0
    claim: Convention | None = field(default=None, compare=False)


def verdict(
    maps: Any,
    asked: Asked,
    claim: Convention | None = None,
    like: Floats | None = None,
    known: str = "",
) -> Verdict:
    """The verdict on maps, (N, h, w) at the layer or (N, H, W) at the image.

    `like` are maps of the same explainer that these must equal, where nothing explains it; `known`
    says why maps differ where they do, so that no other cause is looked for.
    """
    maps = np.asarray(maps, np.float64)
    if maps.ndim != 3 or len(maps) != len(asked.images):
        return Verdict(DIFFERS, f"the maps' shape is {maps.shape}", "heatmap", np.inf)
    canonical = asked.canonical
    size, excused = excepted(_of_peak(away(maps, canonical.heatmap), canonical.peak), asked)
    if size <= asked.tolerance:
        scored = "" if asked.score == asked.usual else f"score {asked.score}"
        said = ", ".join(filter(None, (scored, excused)))
        return Verdict(UP_TO if scored else SAME, said, "", size, asked.plain)
    expected, errors = size, np.full(len(maps), np.inf)
    if claim is not None:
        claim = replace(claim, score=asked.score)
        errors = misfit(maps, asked, claim)
        expected, excused = excepted(errors, asked)
        if expected <= asked.tolerance:
            said = ", ".join(filter(None, (told(asked, claim), excused)))
            return Verdict(word(asked, claim), said, first(asked, claim), expected, claim)
        if asked.precision != "float32" and expected <= TOLERANCES["float32"]:
            single = np.array_equal(maps, maps.astype(np.float32))
            return Verdict(DIFFERS, SINGLE if single else NEARLY, "activations", expected)
    if not np.isfinite(maps).all():
        return Verdict(DIFFERS, "not finite", "normalised", np.inf)
    if like is not None and _repeats(maps, like):
        return Verdict(SAME, "as its own base", "", 0.0)
    if known:
        return Verdict(DIFFERS, known, "activations", expected)
    return _caused(maps, asked, claim, errors, expected)


def _caused(
    maps: Floats, asked: Asked, claim: Convention | None, errors: Floats, size: float
) -> Verdict:
    """The verdict on maps that are not what was expected, by how much and why."""
    if not maps.any():
        return Verdict(DIFFERS, ZEROS, "gradients", size)
    if claim is not None:
        scaled = claim.normalise != "none"
        if scaled and (errors[~_empty(asked, claim, maps)] <= asked.tolerance).all():
            return Verdict(DIFFERS, EMPTY, "normalised", size)
        places = layers(asked.network.architecture) if asked.at_layer else ()
        elsewhere = [replace(claim, layer=name) for name in places]
        named = [each for each in FORMULAS if each.startswith(f"{asked.method}, ")]
        formulas = [replace(claim, formula=name) for name in named]
        for near in [*formulas, *nearby(asked, claim, CAUSES), *elsewhere]:
            if _largest(misfit(maps, asked, near)) <= asked.tolerance:
                return Verdict(DIFFERS, told(asked, near), first(asked, near), size, near)
    found = searched(maps, asked)
    if found is None:
        return Verdict(DIFFERS, "", "", size)
    return Verdict(word(asked, found), told(asked, found), first(asked, found), size, found)


def excepted(errors: Floats, asked: Asked) -> tuple[float, str]:
    """The largest error (N,) of all images but one that rounding decides; which one, in words."""
    over = errors > asked.tolerance
    if not over.any() or len(np.unique(asked.images[over], axis=0)) > MOST_EXCUSED:
        return _largest(errors), ""
    if not asked.undecided[over].all():
        return _largest(errors), ""
    (which,) = np.nonzero(over)
    left = _largest(errors[~over]) if not over.all() else 0.0
    return left, f"but for image {', '.join(map(str, which))}, which rounding decides"


def word(asked: Asked, convention: Convention) -> str:
    """Whether a convention is the method's own formula, or another."""
    return UP_TO if convention.formula == asked.plain.formula else OTHER


def misfit(maps: Floats, asked: Asked, claim: Convention) -> Floats:
    """How far maps are from a claim's (N,), of the signed peak; infinite where it has none."""
    try:
        found = predicted(asked, claim, maps)
    except (BadInput, Unavailable):
        found = None
    if found is None:
        return np.full(len(maps), np.inf)
    peak = found.peak
    # A constant map has no scale: it is held to its own values.
    return _of_peak(away(maps, found.maps), np.where(np.isfinite(peak) & (peak > 0), peak, 1.0))


def _repeats(maps: Floats, like: Floats) -> bool:
    """Whether maps are those of a float32 run: of their own peak, whatever they are scaled to."""
    peak = np.abs(like).max(axis=(1, 2))
    return _largest(_of_peak(away(maps, like), peak)) <= TOLERANCES["float32"]


def _empty(asked: Asked, claim: Convention, maps: Floats) -> Any:
    """Whether a claim's map is constant (N,): nothing but rounding would be left to scale."""
    found = predicted(asked, claim, maps)
    return np.ones(len(maps), bool) if found is None else np.ptp(found.maps, axis=(1, 2)) == 0


def away(maps: Floats, other: Floats) -> Floats:
    """The largest distance (N,) between maps; at the larger size where they have two."""
    if maps.shape[1:] != other.shape[1:]:
        other = resized(other, (maps.shape[1], maps.shape[2]), "bilinear")
    return np.asarray(np.abs(maps - other).max(axis=(1, 2)))


def _of_peak(gap: Floats, peak: Floats) -> Floats:
    """Errors (N,) of the peaks; of a map of zeros any error is infinite.

    What float32 has no exact number for, a softmax's derivative of 1e-37, is as good as 0.
    """
    with np.errstate(all="ignore"):
        errors = np.where(gap < FAINT, 0.0, gap / peak)
    return np.where(np.isnan(errors), np.inf, errors)


def _largest(errors: Floats) -> float:
    return float(errors.max())
